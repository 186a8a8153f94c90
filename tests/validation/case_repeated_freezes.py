"""What a second and a third freeze add: little lethal volume by isotherm, more by kill."""

from __future__ import annotations

from typing import Any

from cryosim.evaluation import isotherm_volume_ml, kill_probability
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.simulation import Result, simulate
from cryosim.tissue import TissueGrid, read_library
from evidence import Case, Check, Evidence

FREEZE_MIN, THAW_MIN, FREEZES = 6, 15, 3
LEVELS_C = (0.0, -20.0, -40.0)
_GROWS = (
    "conduction leaves the gel around what thaws colder than before, and the next freeze starts "
    "from there; the study says 'no significant' growth without a number that was seen"
)


def _result() -> Result:
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
    return simulate(tissue, plan)


def _run() -> Evidence:
    result = _result()
    ends_s = [60.0 * (FREEZE_MIN + n * (FREEZE_MIN + THAW_MIN)) for n in range(FREEZES)]
    fields = [result.temperatures_c[result.times_s.index(end)] for end in ends_s]
    volumes = [
        {level: isotherm_volume_ml(result, field, level) for level in LEVELS_C} for field in fields
    ]
    first = (fields[0] <= 0.0) & (result.probe_share == 0)
    kill = [float(kill_probability(result, n + 1)[first].mean()) for n in range(FREEZES)]
    grown = {
        level: 100 * ((volumes[-1][level] / volumes[0][level]) ** (1 / 3) - 1) for level in LEVELS_C
    }
    checks = (
        Check(
            "survivors of freeze 1 within its ice that freezes 2 and 3 kill",
            100 * (kill[-1] - kill[0]) / (1 - kill[0]),
            20,
            None,
            "%",
        ),
        Check("growth of the -40 C isotherm, linear", grown[-40.0], -10, 10, "%"),
        Check("growth of the -20 C isotherm, linear", grown[-20.0], -10, 10, "%"),
        Check("growth of the ice, linear", grown[0.0], -10, 10, "%", known=_GROWS),
    )
    rows = tuple(
        (
            str(n + 1),
            *(f"{volumes[n][level]:.2f} ml" for level in LEVELS_C),
            f"{100 * kill[n]:.1f} %",
        )
        for n in range(FREEZES)
    )

    def draw(figure: Any) -> None:
        axes, right = figure.subplots(1, 2)
        numbers = range(1, FREEZES + 1)
        for level, color in zip(LEVELS_C, ("#4fc3f7", "#2468d0", "#4a1a9c"), strict=True):
            values = [volume[level] / volumes[0][level] for volume in volumes]
            axes.plot(numbers, values, "o-", color=color, label=f"{level:g} C")
        axes.set(xlabel="freeze", ylabel="volume against that after freeze 1", xticks=numbers)
        axes.set_ylim(bottom=0)
        axes.legend()
        right.bar(numbers, [100 * (1 - share) for share in kill], color="#f4511e")
        right.set(xlabel="after freeze", ylabel="alive within the ice of freeze 1, %")
        right.set_xticks(numbers)

    return Evidence(
        checks=checks,
        header=(
            "freeze",
            *(f"{level:g} C" for level in LEVELS_C),
            "killed within the ice of freeze 1",
        ),
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
