"""What a second and a third freeze add: little lethal volume by isotherm, more by kill."""

from __future__ import annotations

from typing import Any

from cryosim.evaluation import Report, evaluate
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.simulation import simulate
from cryosim.tissue import TissueGrid, read_library
from evidence import Case, Check, Evidence

FREEZE_MIN, THAW_MIN, FREEZES = 6, 15, 3
LEVELS_C = (0.0, -20.0, -40.0)
_GROWS = (
    "conduction leaves the gel around what thaws colder than before, and the next freeze starts "
    "from there; the study says 'no significant' growth without a number that was seen"
)


def _report() -> Report:
    size = (80.0, 80.0, 90.0)
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform"},
            "probe": [{"model": "icesphere-1.5", "tip_mm": (0, 0, -8), "entry_mm": (0, 0, 90)}],
            "protocol": {
                "text": "; ".join(
                    [f"freeze {FREEZE_MIN} min; thaw {THAW_MIN} min active"] * FREEZES
                )
            },
            "body": {"temperature_c": 20},
        }
    )
    tissue = TissueGrid.uniform(Grid.centered(size, 2.0), read_library()["gel"])
    return evaluate(simulate(tissue, plan))


def _run() -> Evidence:
    report = _report()
    ends_s = [60.0 * (FREEZE_MIN + n * (FREEZE_MIN + THAW_MIN)) for n in range(FREEZES)]
    volumes = [next(row.volume_ml for row in report.timeline if row.t_s == end) for end in ends_s]
    doses = next(rule for rule in report.kill if rule.after_freezes).after_freezes
    kill = [after.volume_ml for after in doses]
    grown = {
        level: 100 * ((volumes[-1][level] / volumes[0][level]) ** (1 / 3) - 1) for level in LEVELS_C
    }
    checks = (
        Check("kill that freezes 2 and 3 add", 100 * (kill[-1] / kill[0] - 1), 10, None, "%"),
        Check("growth of the -40 C isotherm, linear", grown[-40.0], -10, 10, "%"),
        Check("growth of the -20 C isotherm, linear", grown[-20.0], -10, 10, "%"),
        Check("growth of the ice, linear", grown[0.0], -10, 10, "%", known=_GROWS),
    )
    rows = tuple(
        (str(n + 1), *(f"{volumes[n][level]:.2f} ml" for level in LEVELS_C), f"{kill[n]:.2f} ml")
        for n in range(FREEZES)
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        numbers = range(1, FREEZES + 1)
        for level, color in zip(LEVELS_C, ("#4fc3f7", "#2468d0", "#4a1a9c"), strict=True):
            values = [volume[level] / volumes[0][level] for volume in volumes]
            axes.plot(numbers, values, "o-", color=color, label=f"{level:g} C")
        values = [volume / kill[0] for volume in kill]
        axes.plot(numbers, values, "s--", color="#f4511e", label="expected kill")
        axes.set(xlabel="freeze", ylabel="volume against that after freeze 1", xticks=numbers)
        axes.legend()

    return Evidence(
        checks=checks,
        header=("freeze", *(f"{level:g} C" for level in LEVELS_C), "expected kill"),
        rows=rows,
        draw=draw,
        notes=(
            "Kill by the dose-response of A549 cells after one and three freezes; two freezes are "
            "interpolated. Isotherms are those at the end of each freeze; between them the gel "
            "thawed with the probe at +20 C.",
        ),
    )


CASES = (
    Case(
        name="repeated-freezes",
        title="A second and a third freeze: little more ice, more kill",
        kind="validation",
        equation="Measured in gelatin: a further freeze adds no significant size to the isotherms. "
        "Measured in vitro: a third freeze kills more cells at the same coldest temperature.",
        setup=f"IceSphere of the catalog in gel at 20 C, {FREEZES} x ({FREEZE_MIN} min freeze, "
        f"{THAW_MIN} min active thaw), 2 mm voxels, box 80 x 80 x 90 mm held at 20 C.",
        source="Isotherms: gelatin study of 10-5(passive)-10 min (abstract). Dose-response: "
        "Cryoablation-Dosimetry, analysis.ipynb, https://github.com/armansarshoghi/"
        "Cryoablation-Dosimetry.",
        run=_run,
    ),
)
