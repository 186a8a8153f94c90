"""Simulate a plan: demo, run, check."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..files import replacing
from .exit_codes import GOAL_FAILED, GOALS_MET
from .options import DEMO_PHANTOM, Commands
from .output_folder import all_or_nothing, new_console
from .progress import run_progress

if TYPE_CHECKING:
    from ..evaluation import Report
    from ..plan import Plan
    from ..planning import Shortest
    from ..simulation import Forecast
    from ..tissue import TissueGrid

__all__ = ["add_commands"]

_DEMO_SPACING_MM = 1.5  # seconds instead of minutes; numbers for a paper take 1 mm


def add_commands(commands: Commands) -> None:
    """Add the commands of this module."""
    demo = commands.add_parser("demo", help="the main job on a shipped phantom, no input needed")
    demo.add_argument("-o", "--output", type=Path, default=Path("cryosim-demo"), metavar="DIR")
    demo.set_defaults(command=_demo)

    run = commands.add_parser("run", help="simulate and evaluate a plan")
    run.add_argument("plan", type=Path, metavar="PLAN.toml")
    run.add_argument(
        "--probes",
        type=Path,
        nargs="+",
        metavar="FILE.mrk.json",
        help="put the probes where lines drawn in 3D Slicer are",
    )
    run.add_argument(
        "--shortest",
        action="store_true",
        help="shorten the freezes as far as the target's goals are still met",
    )
    run.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="default: PLAN-result, PLAN-reached-result with --probes, PLAN-shortest",
    )
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="validate a plan, predict memory and time")
    check.add_argument("plan", type=Path, metavar="PLAN.toml")
    check.add_argument(
        "--picture", type=Path, metavar="FILE.png", help="draw what was taken for what tissue"
    )
    check.set_defaults(command=_check)


def _demo(options: argparse.Namespace) -> int:
    from ..anatomy import phantom_plan
    from ..plan import GridPlan

    plan = phantom_plan(DEMO_PHANTOM).model_copy(
        update={"grid": GridPlan(spacing_mm=_DEMO_SPACING_MM)}
    )
    return _verdict(_carry_out(plan, options.output))


def _run(options: argparse.Namespace) -> int:
    from ..images import read_probe_lines
    from ..plan import move_probes, read_plan

    plan, kind = read_plan(options.plan), "result"
    if options.probes:
        plan, kind = move_probes(plan, read_probe_lines(*options.probes)), "reached-result"
    if options.shortest:
        kind = "shortest"
    output = options.output or Path(f"{options.plan.stem}-{kind}")
    return _verdict(_carry_out(plan, output, shortest=options.shortest))


def _check(options: argparse.Namespace) -> int:
    from ..anatomy import place_anatomy, read_anatomy
    from ..plan import read_plan
    from ..simulation import forecast, snapshot_times

    plan = read_plan(options.plan)
    tissue = place_anatomy(read_anatomy(plan), plan)
    console = new_console()
    console.print(_describe(plan, tissue), highlight=False, markup=False)
    for name, share in tissue.structures.items():
        volume = float(share.sum(dtype=float)) * tissue.grid.cell_volume_ml
        console.print(f"{name}: {volume:.1f} ml in the box", highlight=False, markup=False)
    expected = forecast(tissue, plan, len(snapshot_times(plan))) if plan.probe else None
    console.print(_in_words(expected), highlight=False)
    for note in tissue.assumptions:
        console.print(f"assumption: {note}", highlight=False, markup=False)
    for note in tissue.warnings:
        console.print(f"warning: {note}", highlight=False, markup=False)
    if options.picture:
        _draw(tissue, plan, options.picture)
        console.print(f"wrote {options.picture}", highlight=False, markup=False)
    if expected is not None and expected.memory_bytes > expected.available_bytes:
        raise InputError(
            f"grid.spacing_mm = {plan.grid.spacing_mm:g}: the run would not fit in memory; "
            "use a larger spacing or a smaller grid.padding_mm"
        )
    return GOALS_MET


def _draw(tissue: TissueGrid, plan: Plan, path: Path) -> None:
    from ..pictures import draw_tissues

    with replacing(path, "picture") as partial:
        draw_tissues(tissue, plan.needles).savefig(partial, dpi=100, format="png")


def _in_words(expected: Forecast | None) -> str:
    if expected is None:
        return "no probe yet: 'cryosim optimize' finds how many, and where"
    return (
        f"expected: {expected.memory_bytes / 1e9:.1f} of {expected.available_bytes / 1e9:.1f} GB "
        f"memory, {expected.stages:,} stages, about {_duration(expected.wall_s)}"
    )


def _verdict(report: Report) -> int:
    return GOALS_MET if report.passed else GOAL_FAILED


def _carry_out(plan: Plan, output: Path, *, shortest: bool = False) -> Report:
    """Simulate, evaluate, write and print."""
    from ..anatomy import place_anatomy, read_anatomy
    from ..evaluation import evaluate
    from ..plan import write_plan
    from ..planning import shortest_protocol, vary_tissues
    from ..reporting import print_report, write_result
    from ..simulation import simulate

    console = new_console()
    with all_or_nothing(output) as folder:
        tissue = place_anatomy(read_anatomy(plan), plan)
        console.print(_describe(plan, tissue), highlight=False, markup=False)
        for warning in tissue.warnings:
            console.print(f"warning: {warning}", highlight=False, markup=False)
        with run_progress(console, plan.protocol.duration_s / 60) as callback:
            if shortest:
                found = shortest_protocol(tissue, plan, callbacks=[callback])
                result = found.result
            else:
                result = simulate(tissue, plan, callbacks=[callback])
        ranges = "within the tissues' ranges"
        with run_progress(console, plan.protocol.duration_s / 60, ranges) as callback:
            result = vary_tissues(result, callbacks=[callback])
        report = evaluate(result)
        if shortest:
            console.print(_in_short(found), highlight=False, markup=False)
            write_plan(found.plan, folder / "plan.json", output)
        print_report(report, result, console)
        note = write_result(report, result, folder)
    if note:
        console.print(note, highlight=False)
    return report


def _in_short(found: Shortest) -> str:
    if found.share == 1.0:
        return f"no shorter freezes will do ({found.simulations} simulations)"
    return (
        f"freezes may be shortened to {100 * found.share:.0f} % ({found.simulations} simulations): "
        f"{found.plan.protocol.describe()}"
    )


def _describe(plan: Plan, tissue: TissueGrid) -> str:
    models = ", ".join(sorted({probe.model for probe in plan.probe}))
    probes = f"{len(plan.probe)} x {models}" if models else "no probe"
    return (
        f"{tissue.grid.describe()}; {', '.join(t.name for t in tissue.tissues)}\n"
        f"{probes}; {plan.protocol.describe()}"
    )


def _duration(seconds: float) -> str:
    """Write a time as people say it."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
