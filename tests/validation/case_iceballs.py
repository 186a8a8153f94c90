"""Published sizes of the ice around single 17G probes in gel."""

from __future__ import annotations

import functools
from typing import Any

from cryosim.simulation import Result
from cryosim.studies import iceball_size_mm
from cryosim.tissue import read_library
from evidence import Case, Check, Evidence
from validation.setups import MEASURED, SIMULATED, freeze, parallel

MINUTES, LATER_MINUTES, START_C = 10, 15, 20.0
NEEDLE, SURFACE_C = "argon-17g", (-150.0, -140.0)  # probes in agar, settled
BOXES_MM = {
    "icesphere-1.5": ((87.0, 87.0, 93.0), 1.5),
    "icerod-1.5": ((96.0, 96.0, 112.0), 2.0),
    NEEDLE: ((96.0, 96.0, 112.0), 2.0),
}

# Probe, isotherm C, "width" or "length", published mm, half range mm, how it was used.
OBSERVED = (
    ("icesphere-1.5", 0.0, "width", 32.0, 3.0, "predicted"),
    ("icesphere-1.5", 0.0, "length", 37.0, 4.0, "active length fitted"),
    ("icesphere-1.5", -20.0, "width", 21.5, 2.5, "predicted"),
    ("icesphere-1.5", -20.0, "length", 25.0, 2.0, "predicted"),
)
# Published without a time: isotherm C, mm, half range mm.
ROD = ((0.0, 40.0, 2.0), (-20.0, 27.0, 2.0))


@functools.cache
def frozen(name: str, minutes: int = MINUTES) -> Result:
    """Freeze gel around a probe of the catalog."""
    size, spacing = BOXES_MM[name]
    return freeze(
        read_library()["gel"],
        parallel([(0.0, 0.0)], model=name),
        f"freeze {minutes} min",
        size_mm=size,
        spacing_mm=spacing,
        start_c=START_C,
    )


@functools.cache
def sizes_mm(name: str, minutes: int = MINUTES) -> dict[tuple[float, str], float]:
    """Width and length of the isotherms of a catalog probe."""
    result, found = frozen(name, minutes), {}
    for level in (0.0, -20.0):
        width, length = iceball_size_mm(result, result.temperatures_c[-1], level)
        found |= {(level, "width"): width, (level, "length"): length}
    return found


def run() -> Evidence:
    """Every published size against the catalog's probe."""
    checks, rows = [], []
    for name, level, which, size, spread, use in OBSERVED:
        found = sizes_mm(name)[level, which]
        text = f"{name}, {level:g} C, {which}"
        checks.append(Check(text, found, size - spread, size + spread, "mm"))
        rows.append((text, f"{size:g} +- {spread:g}", f"{found:.1f}", use))
    for level, size, spread in ROD:
        for minutes, low, high in (
            (MINUTES, None, size + spread),
            (LATER_MINUTES, size - spread, None),
        ):
            found = sizes_mm("icerod-1.5", minutes)[level, "width"]
            text = f"icerod-1.5, {level:g} C, width after {minutes} min"
            checks.append(Check(text, found, low, high, "mm"))
            published = f"{size:g} +- {spread:g}, time not stated"
            rows.append((text, published, f"{found:.1f}", "predicted"))
    curves = frozen(NEEDLE).curves
    surface = float(curves.needle_surface_c[0, -1])
    power = float(abs(curves.needle_power_w[0]).max())
    text = f"{NEEDLE}, surface after {MINUTES} min, C"
    checks.append(Check(text, surface, *SURFACE_C, "C"))
    rows.append((text, "-140 to -150", f"{surface:.1f}", "exchange fitted"))
    rows.append((f"{NEEDLE}, most heat, W", "nothing read", f"{power:.0f}", "predicted"))
    return Evidence(
        checks=tuple(checks),
        header=("what", "published", "simulated", "catalog numbers"),
        rows=tuple(rows),
        draw=draw,
        notes=NOTES,
    )


NOTES = (
    "One number is fitted for all argon needles, the exchange of the gas with the surface, to "
    "the temperature at which surfaces settle in agar (-140 to -150 C) and to the vendor's "
    "isotherms of four probes ([vendor-ellipsoids.md](vendor-ellipsoids.md)); then the "
    "effective active length of the IceSphere (15 mm) to the length of its ice. Everything else "
    "is predicted.",
    "The -20 C size is that of a 17G needle, type not named, in a planning program (25 x 23 x 20 "
    "mm; the width here is the mean of 23 and 20, its range that of both and 1 mm). The lethal "
    "size of the IceRod, 27 mm, does not say at which temperature; it is compared with -20 C. Its "
    "sizes do not say after which time: the simulated ice passes both between 10 and 15 min.",
    "The medium, its start temperature (20 C), the time (10 min) and the cool-down (20 s) are "
    "those that data sheets usually mean; the pages quoted do not state them.",
)


def draw(figure: Any) -> None:
    """Published sizes with their ranges beside simulated ones."""
    axes = figure.subplots()
    for row, (name, level, which, size, spread, _) in enumerate(OBSERVED):
        axes.errorbar(size, row - 0.1, xerr=spread, fmt="o", color=MEASURED, capsize=3)
        axes.plot(sizes_mm(name)[level, which], row + 0.1, "s", color=SIMULATED)
    axes.plot([], [], "o", color=MEASURED, label="published, with range")
    axes.plot([], [], "s", color=SIMULATED, label="simulated")
    labels = [f"{name}, {level:g} C, {which} ({use})" for name, level, which, _, _, use in OBSERVED]
    axes.set_yticks(range(len(OBSERVED)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, None)
    axes.set_xlabel("size of the isotherm after 10 min in gel, mm")
    axes.legend(frameon=False, loc="lower left")


CASES = (
    Case(
        name="published-iceballs",
        title="Argon needles in gel: surface temperature and sizes of single iceballs",
        kind="validation",
        equation="dH/dt = div(k grad T) around a probe of the catalog, gas behind a film.",
        setup="""
Gel of the library at 20 C, faces of the box held there, 10 min; IceSphere on 1.5 mm, IceRod on 2 mm
voxels. Sizes by curves fitted through the isotherm at its belt and ends.
""",
        source="""
IceSphere: manufacturer's 37 +- 4 x 32 +- 3 mm as quoted in Cryoablation-Dosimetry,
https://github.com/armansarshoghi/Cryoablation-Dosimetry. -20 C: ellipsoid of a 17G needle in
`Needle_Iceball2.py`, https://github.com/ProstateCryoablation/NeedlePrediction. IceRod: Georgiades
and Marx as quoted on oncohemakey.com (40 mm, lethal 27 mm).
""",
        run=run,
    ),
)
