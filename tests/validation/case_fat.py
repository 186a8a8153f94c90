"""Ice shrinks as the share of fat in a gel grows."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cryosim.studies import iceball_size_mm
from cryosim.tissue import Tissue, read_library
from evidence import Case, Check, Evidence
from validation.setups import MEASURED, SIMULATED, freeze, parallel

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
# Minutes, and how much of the diameter's variance a line through the share of lard explained.
EXPLAINED = {3: 0.91, 6: 0.84, 9: 0.78}
START_C = 20.0
# What the diameter wobbles by on 2 mm voxels as a parameter changes.
NOISE_MM = 0.4
MIXED = (
    "k_unfrozen_w_mk",
    "k_frozen_w_mk",
    "rho_c_unfrozen_j_m3k",
    "rho_c_frozen_j_m3k",
    "latent_heat_j_m3",
    "solidus_c",
    "liquidus_c",
)


def mixture(share: float) -> Tissue:
    """Gel with drops of fat, a share by volume, without perfusion.

    Heat capacities, latent heat and the freezing range are means over the volume; conductivity is
    that of drops in a medium (Maxwell, A Treatise on Electricity and Magnetism, 1873, art. 314).
    """
    gel, fat = read_library()["gel"], read_library()["fat"]
    numbers = {key: (1 - share) * getattr(gel, key) + share * getattr(fat, key) for key in MIXED}
    for key in ("k_unfrozen_w_mk", "k_frozen_w_mk"):
        around, drop = getattr(gel, key), getattr(fat, key)
        lack, mean = share * (around - drop), 2 * around + drop
        numbers[key] = around * (mean - 2 * lack) / (mean + lack)
    return Tissue(
        name=f"{100 * share:g} % fat", frozen_law="ice" if share < 1 else "constant", **numbers
    )


@functools.cache
def diameters_mm(share: float) -> dict[int, float]:
    """Width of the ice after each of the times."""
    probes = parallel([(0.0, 0.0)], model="icesphere-1.5")
    result = freeze(
        mixture(share),
        probes,
        f"freeze {max(EXPLAINED)} min",
        size_mm=(76.0, 76.0, 80.0),
        spacing_mm=2.0,
        start_c=START_C,
        report={"times_s": [60 * minutes for minutes in EXPLAINED]},
    )
    found = {}
    for minutes in EXPLAINED:
        field = result.temperatures_c[result.times_s.index(60.0 * minutes)]
        found[minutes] = iceball_size_mm(result, field, 0.0)[0]
    return found


def line(minutes: int) -> tuple[float, float]:
    """Slope, mm per 10 % fat, and explained share of the variance of a straight line."""
    sizes = np.array([diameters_mm(share)[minutes] for share in SHARES])
    slope, _ = np.polyfit(SHARES, sizes, 1)
    return float(slope) / 10, float(np.corrcoef(SHARES, sizes)[0, 1] ** 2)


def run() -> Evidence:
    """Diameters of five mixtures at three times."""
    rows = [
        (f"{100 * share:g}", *(f"{diameters_mm(share)[minutes]:.1f}" for minutes in EXPLAINED))
        for share in SHARES
    ]
    rows.append(("mm per 10 % fat", *(f"{line(minutes)[0]:.2f}" for minutes in EXPLAINED)))
    rows.append(("R2 of a line", *(f"{line(minutes)[1]:.2f}" for minutes in EXPLAINED)))
    rows.append(("R2 measured", *(f"{value:.2f}" for value in EXPLAINED.values())))
    checks = []
    for minutes in EXPLAINED:
        sizes = np.array([diameters_mm(share)[minutes] for share in SHARES])
        step = float(np.diff(sizes).max())
        checks += [
            Check(
                f"slope per 10 % fat, {minutes} min",
                line(minutes)[0],
                None,
                -0.1,
                "mm",
                known=FLAT if minutes == min(EXPLAINED) else "",
            ),
            Check(f"largest step up per 25 % fat, {minutes} min", step, None, NOISE_MM, "mm"),
        ]
    return Evidence(
        checks=tuple(checks),
        header=("fat % by volume", *(f"ice after {minutes} min, mm" for minutes in EXPLAINED)),
        rows=tuple(rows),
        draw=draw,
        notes=NOTES,
    )


FLAT = (
    "fat conducts less, but has less latent heat, and a needle behind a film gets colder in it: up "
    "to three quarters of fat they cancel"
)
NOTES = (
    "Published is a trend: the ice is smaller the more lard the agar holds, and a line explains "
    "91, 84 and 78 % of the variance at 3, 6 and 9 min. Diameters, probe and start temperature "
    "were not read; the catalog's IceSphere in a medium of 20 C stands for them.",
    "**Not met:** the trend is there at 6 and 9 min, its shape is not: simulated diameters stay up "
    "to three quarters of fat and then drop. With a surface held at -140 C they fall more "
    "evenly; behind a film a needle gets colder in what gives it less heat. That frozen gel with "
    "drops of fat conducts like ice all over, k going with 1/T, is too good for it, too.",
)


def draw(figure: Any) -> None:
    """Diameter over the share of fat, a line per time."""
    axes = figure.subplots()
    for minutes, shade in zip(EXPLAINED, (0.4, 0.7, 1.0), strict=True):
        sizes = [diameters_mm(share)[minutes] for share in SHARES]
        axes.plot([100 * share for share in SHARES], sizes, "s-", color=SIMULATED, alpha=shade)
        text = f"{minutes} min (measured: falls, R2 {EXPLAINED[minutes]:g})"
        axes.annotate(text, (0, sizes[0]), (0, 6), textcoords="offset points", color=MEASURED)
    axes.set_ylim(0, 36)
    axes.set_xlabel("fat, % by volume")
    axes.set_ylabel("simulated diameter of the ice, mm")


CASES = (
    Case(
        name="fat-trend",
        title="The more fat, the smaller the ice",
        kind="validation",
        equation="dH/dt = div(k grad T) in a mixture of gel and fat: each number is the mean over "
        "volume of those of the library.",
        setup="IceSphere of the catalog, 2 mm voxels, box of 76 mm held at 20 C, 9 min.",
        source="Ice in lard and agar, Cryobiology 2025;120:105274, PMID 40472720, abstract.",
        run=run,
    ),
)
