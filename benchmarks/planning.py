"""What the planner finds for every phantom and a real sarcoma, and what that takes.

Usage: python -m benchmarks.planning [--case NAME,...] [-o DIR]

The real case needs the folder of patient data that the tests use (CRYOSIM_DATA). Writes
planning.json, planning.md and planning.png.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryosim.anatomy import phantom_plan, read_anatomy
from cryosim.plan import Plan, plan_from_dict
from cryosim.planning import optimize, plans_document

from . import pages
from .yardstick import plain_sweep_s

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMAND = "python -m benchmarks.planning"
PHANTOMS = ("thigh-sarcoma", "iliac-metastasis", "liver-metastasis")
SARCOMA = "real sarcoma of the thigh"
LONGEST_S = 120.0
_YARDSTICK = (128, 128, 128)

_FOUND, _GRID, _GIVEN = "#1f5a92", "#8a9299", "#b5541c"


def main(arguments: list[str] | None = None) -> int:
    """Plan every case and write what was found."""
    options = _parse(arguments)
    made_with = pages.facts(_threads())
    found = {}
    for name, plan in _cases().items():
        if not options.case or name in options.case:
            found[name] = _plan(plan)
            print(f"{name}: {found[name]['best']['count']} probes, {found[name]['seconds']:.0f} s")
    record = {"command": COMMAND, "made_with": made_with, "cases": found}
    pages.write("planning", record, page(made_with, found), draw(found), options.output)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--case", type=lambda text: text.split(","), default=[], metavar="LIST")
    parser.add_argument("-o", "--output", type=Path, default=pages.FOLDER, metavar="DIR")
    return parser.parse_args(arguments)


def _threads() -> int:
    import numba

    return numba.get_num_threads()


def _cases() -> dict[str, Plan]:
    cases = {name: phantom_plan(name) for name in PHANTOMS}
    data = Path(os.environ.get("CRYOSIM_DATA", "../shared/data")) / "sts_thigh"
    if data.exists():
        cases[SARCOMA] = plan_from_dict(
            {
                "anatomy": {
                    "image": "CT_image.nii.gz", "labels": "CT_mask.nii.gz",
                    "tissues": {"1": "tumor"},
                },
                "target": {"label": 1},
                "protocol": {"preset": "keio-soft-tissue"},
                "optimize": {"models": ["argon-17g"]},
            },
            data.resolve(),
        )  # fmt: skip
    return cases


def _plan(plan: Plan) -> dict[str, Any]:
    """Read, search, simulate the best plan on its own grid; everything counts but writing files."""
    with tempfile.TemporaryDirectory() as folder:
        sweeps_s = [plain_sweep_s(_YARDSTICK)]
        started = time.perf_counter()
        found = optimize(read_anatomy(plan), plan, folder=Path(folder))
        seconds = time.perf_counter() - started
        sweeps_s.append(plain_sweep_s(_YARDSTICK))
    return {**plans_document(found), "seconds": seconds, "sweeps_s": sweeps_s}


# The page.


def page(made_with: dict[str, Any], found: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    parts = [
        "# What the planner finds",
        f"Written by `{COMMAND}`; the numbers are in [planning.json](planning.json), the method is "
        "in [planning.md](../planning.md).",
        "The plan that each phantom comes with, and a real sarcoma of the thigh (35 ml, CT with"
        " its mask; nerves are not labelled): 99 % of the target at -40 C, 10 mm of "
        "ice beyond it, limits of the phantoms' organs at risk, skin at 5 C or more; one to four "
        "probes, 10 to 20 mm apart, freezes from a quarter of what the protocol says to all of it. "
        "*Skin* is the coldest that it gets, *target's goals met* when, since the first freeze "
        "began, the target had all that is asked of it, *freezing after* how much freezing the "
        "plan goes on for after that. *Grid + 1* is a regular grid of parallel probes 15 mm apart "
        "from the same side with one probe more, freezing as long as the protocol says. *Healthy* "
        "is frozen tissue outside the target. Numbers of the best plan are those on its own grid "
        "(1 mm), others those of the search's grid (3 to 4 mm). *Seconds* count "
        f"everything from reading the images on; at most {LONGEST_S:g} are wanted. A *plain sweep* "
        "updates a cube of 128 voxels once, with all threads, timed before and after: read seconds "
        "by it.",
        pages.describe(made_with),
        _table(found),
        "![frozen healthy tissue by the number of probes](planning.png)",
    ]
    for name, case in found.items():
        parts.append(f"## {name}")
        parts.append("\n".join(f"- {sentence}" for sentence in case["explanation"]))
        parts.append(_robustness(case))
    return "\n\n".join(parts) + "\n"


def _table(found: dict[str, Any]) -> str:
    header = ("case", "goals", "probes", "freezes", "coverage", "ice margin, mm", "skin, C",
              "healthy, ml", "target's goals met, min", "freezing after, min", "grid + 1: goals",
              "healthy, ml", "seconds", "plain sweep, ms", "simulations")  # fmt: skip
    rows = []
    for name, case in found.items():
        best, own = case["best"], case["best"]["on_the_plans_grid"]
        fine = {goal["name"]: goal["value"] for goal in own["goals"]}
        margin = next(v for key, v in fine.items() if key.startswith("ice margin"))
        coverage = next(v for key, v in fine.items() if key.startswith("lethal coverage"))
        grids = [one for one in case["others"] if one["origin"] == "regular grid"]
        more = next(one for one in grids if one["count"] == best["count"] + 1)
        rows.append([
            name,
            "met" if case["passed"] else "**missed**",
            f"{best['count']}",
            f"{100 * best['freeze_share']:.0f} %",
            f"{100 * coverage:.1f} %",
            f"{margin:.1f}",
            "none seen" if "skin coldest" not in fine else f"{fine['skin coldest']:.1f}",
            f"{own['healthy_frozen_ml']:.0f}",
            _minutes(case["times_s"]["goals of the target met"]),
            _minutes(case["times_s"]["freezing after that"]),
            "met" if more["met"] else f"missed: {_most_missed(more)}",
            f"{more['healthy_frozen_ml']:.0f}",
            f"{case['seconds']:.0f}",
            " to ".join(pages.digits(1e3 * sweep_s) for sweep_s in sorted(case["sweeps_s"])),
            f"{case['simulations']}",
        ])  # fmt: skip
    return pages.table(header, rows)


def _minutes(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds / 60:.1f}"


def _most_missed(one: dict[str, Any]) -> str:
    """Name the goals that a plan misses."""
    missed = [goal["name"] for goal in one["goals"] if goal["verdict"] == "fail"]
    return ", ".join(missed) or "by a hair"


def _robustness(case: dict[str, Any]) -> str:
    header = ("if not all is as planned", "met when misplaced", "worst value", "when")
    rows = []
    for goal, worst in case["robustness"]["worst"].items():
        probability = case["robustness"]["probability"][goal]
        value = worst["value"]
        rows.append([
            goal,
            "" if probability is None else f"{100 * probability:.0f} %",
            "none" if value is None else f"{value:.3g}",
            worst["in"],
        ])  # fmt: skip
    return pages.table(header, rows)


def draw(found: dict[str, Any]) -> Figure:
    """Draw what the search found, regular grids and given plans, a panel a case."""
    figure = pages.new_figure(2.9 * len(found), 3.6)
    panels: Sequence[Any] = figure.subplots(1, len(found), squeeze=False)[0]
    handles: dict[str, Any] = {}
    for axes, (name, case) in zip(panels, found.items(), strict=True):
        for origin, shift, marker, color, label in (
            ("search", -0.12, "o", _FOUND, "searched"),
            ("regular grid", 0.12, "s", _GRID, "regular grid"),
            ("the plan as given", 0.0, "^", _GIVEN, "the phantom's own plan"),
        ):
            for one in (*case["plans"], *case["others"]):
                if one["origin"] == origin and one["healthy_frozen_ml"] is not None:
                    (mark,) = axes.plot(
                        one["count"] + shift, one["healthy_frozen_ml"], marker, color=color,
                        markerfacecolor=color if one["met"] else "white",
                    )  # fmt: skip
                    handles.setdefault(label, mark)
        axes.set_title(name, fontsize="medium")
        axes.set_xlabel("probes")
        axes.set_xticks(range(1, 6))
        axes.set_xlim(0.5, 5.5)
        axes.set_ylim(bottom=0.0)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("healthy tissue frozen, ml")
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", frameon=False,
                  ncols=3, fontsize="small", title="filled: all goals met")  # fmt: skip
    return figure


if __name__ == "__main__":
    sys.exit(main())
