"""Two probes in kidney and liver of swine: which perfusion, and 15 min against 10-8-10 min."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cryosim.tissue import read_library
from evidence import Case, Check, Evidence
from validation.setups import GRAY, MEASURED, SIMULATED, extents_mm, freeze, parallel

# Length and width, mm, each with its standard deviation.
Sizes = tuple[tuple[float, float], tuple[float, float]]
OBSERVED: dict[tuple[str, str], Sizes] = {
    ("kidney", "10-8-10"): ((50.0, 7.5), (39.5, 1.7)),
    ("kidney", "15"): ((49.6, 3.2), (40.0, 4.4)),
    ("liver", "10-8-10"): ((65.5, 5.5), (45.0, 3.0)),
    ("liver", "15"): ((68.5, 4.9), (43.0, 2.8)),
}
PROTOCOLS = {"15": "freeze 15 min", "10-8-10": "freeze 10 min; thaw 8 min active; freeze 10 min"}
ORGANS = ("kidney", "liver")
SOURCE = """
Swine, two probes, Cardiovasc Intervent Radiol 2018, doi:10.1007/s00270-018-1950-z, abstract.
"""
PERFUSION_1_S = (0.0005, 0.005, 0.015, 0.06)
SPACING_MM = 15.0
PROBE = "argon-17g"
# The middle of what was measured on probes in agar, held whatever the heat; with it the library's
# flows were found.
HELD_C = -145.0
RESTING_1_S = {"kidney": 0.0674, "liver": 0.0155}
# Freezing twice after 10 min, or once for 15 min, shall make the same ice within so much.
SAME = 0.05


@functools.cache
def size_mm(
    organ: str, protocol: str, perfusion_1_s: float, held_c: float | None = None
) -> tuple[float, float]:
    """Length along the probes and largest width of what was ever frozen."""
    tissue = read_library()[organ]
    drive = {} if held_c is None else {"surface_c": held_c}
    probes = parallel([(-SPACING_MM / 2, 0.0), (SPACING_MM / 2, 0.0)], model=PROBE, **drive)
    result = freeze(
        tissue,
        probes,
        PROTOCOLS[protocol],
        size_mm=(100.0, 90.0, 100.0),
        spacing_mm=2.5,
        start_c=37.0,
        perfusion={"scale": perfusion_1_s / tissue.perfusion_1_s},
    )
    x, y, z = extents_mm(result, result.coldest_c, 0.0)
    return float(z), float(max(x, y))


def matched(organ: str, held_c: float | None = None) -> tuple[float, float]:
    """Perfusion at which a single freeze is as wide as measured, and how long it is then.

    Linear in the logarithm of perfusion between the simulated ones.
    """
    scan = [size_mm(organ, "15", w, held_c) for w in PERFUSION_1_S]
    lengths, widths = np.array(scan)[::-1].T
    logs = np.log(PERFUSION_1_S)[::-1]
    found = float(np.interp(OBSERVED[organ, "15"][1][0], widths, logs))
    return float(np.exp(found)), float(np.interp(-found, -logs, lengths))


def run_perfusion() -> Evidence:
    """Sizes over perfusion, the perfusion that matches, and the length that it predicts."""
    rows, checks = [], []
    for organ, held in ((organ, held) for held in (None, HELD_C) for organ in ORGANS):
        probe = PROBE if held is None else f"held at {held:g} C"
        for w in PERFUSION_1_S:
            length, width = size_mm(organ, "15", w, held)
            rows.append((organ, probe, f"{w:g}", f"{length:.1f}", f"{width:.1f}"))
        w, length = matched(organ, held)
        width = OBSERVED[organ, "15"][1][0]
        rows.append((organ, probe, f"matched: {w:.2g}", f"{length:.1f}", f"{width:.1f}"))
    for organ in ORGANS:
        (length, spread), (width, width_spread) = OBSERVED[organ, "15"]
        sizes = (f"{length:g} +- {spread:g}", f"{width:g} +- {width_spread:g}")
        rows.append((organ, "", "measured", *sizes))
        w, found = matched(organ)
        stated = read_library()[organ].ranges["perfusion_1_s"]
        checks += [
            Check(f"{organ}, perfusion that gives the width", w, *stated, "1/s"),
            Check(
                f"{organ}, length at that perfusion",
                found,
                length - 2 * spread,
                length + 2 * spread,
                "mm",
                known=LIVER_REASON if organ == "liver" else "",
            ),
            Check(
                f"{organ}, width at the library's perfusion",
                size_mm(organ, "15", read_library()[organ].perfusion_1_s)[1],
                width - 2 * width_spread,
                width + 2 * width_spread,
                "mm",
            ),
        ]
    return Evidence(
        checks=tuple(checks),
        header=("organ", "probes", "perfusion 1/s", "length mm", "width mm"),
        rows=tuple(rows),
        draw=draw_perfusion,
        notes=PERFUSION_NOTES,
    )


def run_protocols() -> Evidence:
    """15 min against 10-8-10 min, at the perfusion that matches and at hardly any."""
    rows, checks = [], []
    for organ in ORGANS:
        once, twice = OBSERVED[organ, "15"], OBSERVED[organ, "10-8-10"]
        for w in (matched(organ)[0], 0.0005):
            single, double = size_mm(organ, "15", w), size_mm(organ, "10-8-10", w)
            for number, which in enumerate(("length", "width")):
                ratio = double[number] / single[number]
                measured = twice[number][0] / once[number][0]
                name = f"{organ}, {which}, perfusion {w:.2g} 1/s"
                sizes = (f"{single[number]:.1f}", f"{double[number]:.1f}", f"{ratio:.3f}")
                rows.append((name, *sizes, f"{measured:.3f}"))
                checks.append(Check(f"10-8-10 over 15, {name}", ratio, 1 - SAME, 1 + SAME))
    return Evidence(
        checks=tuple(checks),
        header=("size", "15 min mm", "10-8-10 min mm", "ratio", "ratio measured"),
        rows=tuple(rows),
        draw=draw_protocols,
        notes=PROTOCOL_NOTES,
    )


def draw_perfusion(figure: Any) -> None:
    """Length and width over perfusion, with the measured ranges as bands."""
    for axes, organ in zip(figure.subplots(1, 2, sharey=True), ORGANS, strict=True):
        scan = np.array([size_mm(organ, "15", w) for w in PERFUSION_1_S])
        for number, (which, marker) in enumerate((("length", "s-"), ("width", "o-"))):
            size, spread = OBSERVED[organ, "15"][number]
            axes.axhspan(size - spread, size + spread, color=MEASURED, alpha=0.15)
            axes.annotate(f"measured {which}", (PERFUSION_1_S[0], size), color=MEASURED)
            axes.semilogx(PERFUSION_1_S, scan[:, number], marker, color=SIMULATED, label=which)
        axes.axvline(matched(organ)[0], color=GRAY, lw=1)
        axes.set_title(organ)
        axes.set_xlabel("perfusion, 1/s")
    figure.axes[0].set_ylabel("size of the ice after 15 min, mm")
    figure.axes[0].legend(frameon=False)


def draw_protocols(figure: Any) -> None:
    """Sizes by the two protocols, measured with error bars beside simulated."""
    axes = figure.subplots()
    ticks = []
    for organ in ORGANS:
        w = matched(organ)[0]
        for number, which in enumerate(("length", "width")):
            for protocol in PROTOCOLS:
                size, spread = OBSERVED[organ, protocol][number]
                at = len(ticks)
                axes.errorbar(at - 0.1, size, spread, fmt="o", color=MEASURED, capsize=3)
                axes.plot(at + 0.1, size_mm(organ, protocol, w)[number], "s", color=SIMULATED)
                ticks.append(f"{organ}\n{which}\n{protocol}")
    axes.plot([], [], "o", color=MEASURED, label="measured, standard deviation")
    axes.plot([], [], "s", color=SIMULATED, label="simulated at the matched perfusion")
    axes.set_xticks(range(len(ticks)), ticks, fontsize=7)
    axes.set_ylim(0, None)
    axes.set_ylabel("size, mm")
    axes.legend(frameon=False, loc="lower right")


LIVER_REASON = (
    "the active length is not published; 30 mm cannot make ice of 68 x 43 mm at any perfusion"
)
PERFUSION_NOTES = (
    "Where the library's flows of liver and kidney come from: flow is found from the measured "
    "width; the length is what it then predicts. Chosen where the abstract is silent: two needles "
    "15 mm apart, the catalog's 17G; the lesion is taken as all that ever froze (its rim of 1 mm "
    "that survived is less than the spread). Width is the larger one across the needles.",
    "With surfaces held at -145 C the width in the liver wants 0.0095 1/s, which the library has; "
    "that in the kidney 0.016. The library has 0.012 for the kidney, within the spread of its "
    "widths, because single probes there want less ([trust.md](trust.md)). That "
    "is 61 and 18 % of their resting flow in tables (a third and a quarter of what was measured in "
    "swine): vessels around the ice narrow, and part of the blood passes in vessels that are too "
    "wide to warm it.",
    "**Not met:** the length in the liver. It is 1.4 times that in the kidney at about the same "
    "width, and the two tissues differ in hardly anything but perfusion; a longer active part or "
    "needles at an angle would explain it.",
)
PROTOCOL_NOTES = (
    "In swine a single freeze of 15 min and two of 10 min with 8 min of active thaw made lesions "
    "of the same size within their spread. The simulation says the same within 2 %, with the "
    "perfusion that matches the widths and with the library's. Ice is compared, not cell death, "
    "for which the second freeze is given.",
)
CASES = (
    Case(
        name="swine-perfusion",
        title="Two probes in kidney and liver of swine: which perfusion gives the measured sizes",
        kind="validation",
        equation="Pennes: dH/dt = div(k grad T) + w rho_b c_b (T_a - T) + Q_m; no flow in what was "
        "frozen.",
        setup="Kidney and liver of the library at 37 C, freeze 15 min, 2.5 mm voxels, box of "
        "100 x 90 x 100 mm; four perfusions, linear in their logarithm between.",
        source=SOURCE,
        run=run_perfusion,
        slow=True,
    ),
    Case(
        name="fifteen-minutes",
        title="15 min make the same ice as 10-8-10 min",
        kind="validation",
        equation="As in swine-perfusion.",
        setup="As in swine-perfusion; freeze 15 min, or 10 min, active thaw of 8 min, 10 min.",
        source=SOURCE,
        run=run_protocols,
        slow=True,
    ),
)
