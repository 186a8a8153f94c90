"""Freeze the thigh phantom with three and with two probes, and draw the gallery of both.

Usage, in the root of the repository: python -m examples.gallery [DIR] [SPACING_MM]; two minutes.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import cryosim
from cryosim.anatomy import phantom_plan
from cryosim.evaluation import range_notes
from cryosim.plan import GridPlan, Protocol

from . import growth, histogram, iceball, margin_map, three_planes, two_plans

PHANTOM, PROTOCOL = "thigh-sarcoma", "freeze 10 min; thaw 5 min; freeze 10 min; thaw 5 min"
THREE, TWO = "three probes", "two probes"
SHOWN = {iceball: [THREE], three_planes: [THREE], growth: [THREE], histogram: [THREE],
         margin_map: [TWO], two_plans: [THREE, TWO]}  # fmt: skip


def main(output: str = "docs/gallery", spacing_mm: float = 1.0) -> None:
    Path(output).mkdir(parents=True, exist_ok=True)
    page = f"# Gallery\n\n{PHANTOM}, {PROTOCOL}. Written by `python -m examples.gallery`.\n"
    with TemporaryDirectory() as folder:
        for name, count in ((THREE, 3), (TWO, 2)):
            page += f"\n{name.capitalize()}: {simulate(count, spacing_mm, Path(folder, name))}.\n"
        for script, names in SHOWN.items():
            picture = Path(output, Path(script.__file__).stem + ".png")
            script.main(*(Path(folder, name) for name in names), picture)
            (image := Image.open(picture).convert("RGB")).thumbnail((1200, 1200))
            colors = image.quantize(method=Image.Quantize.MAXCOVERAGE, kmeans=3)
            colors.save(picture, optimize=True)
            title, words = script.__doc__.split("\n\n")[:2]
            page += f"\n## {title[:-1]}\n\n{words} Here: {' and '.join(names)}. "
            page += f"[{picture.stem}.py](../../examples/gallery/{picture.stem}.py)\n\n"
            page += f"![{title}]({picture.name})\n"
    Path(output, "README.md").write_text(page, encoding="utf-8")


def simulate(count: int, spacing_mm: float, folder: Path) -> str:
    plan = phantom_plan(PHANTOM)
    chosen = {"grid": GridPlan(spacing_mm=spacing_mm), "protocol": Protocol(text=PROTOCOL)}
    each_minute = plan.report.model_copy(update={"times_s": (*range(60, 1801, 60),)})
    plan = plan.model_copy(update={**chosen, "probe": plan.probe[:count], "report": each_minute})
    folder.mkdir()
    result = cryosim.simulate(cryosim.place_anatomy(cryosim.read_anatomy(plan), plan), plan)
    result = cryosim.vary_tissues(result)
    cryosim.save_result(result, folder / "result.vtkhdf")
    goals = cryosim.evaluate(result).goals
    missed = [goal.name for goal in goals if goal.verdict == "fail"]
    return f"missed: {', '.join(missed)}" if missed else "; ".join(["all met", *range_notes(goals)])


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(float, sys.argv[2:]))
