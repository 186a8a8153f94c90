"""Many simulations: optimize, benchmark, calibrate."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .exit_codes import BAD_INPUT, GOAL_FAILED, GOALS_MET
from .options import DEMO_PHANTOM, DISCLAIMER, Commands, numbers
from .output_folder import all_or_nothing, new_console
from .progress import batch_progress, search_progress

if TYPE_CHECKING:
    from ..plan import Plan
    from ..studies import Observation

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands of this module."""
    _add_optimize(commands)
    _add_benchmark(commands)
    _add_calibrate(commands)


def _add_optimize(commands: Commands) -> None:
    parser = commands.add_parser(
        "optimize",
        help="find how many probes a plan needs, and where they go",
        description="Find how many probes meet the plan's goals with the least frozen healthy "
        "tissue, where they go, and how long they freeze; write what 'run' writes for the best "
        "plan, and all ranked plans. What was simulated is kept: the same command goes on where it "
        "was stopped.",
        epilog=f"Exit code: 0 all goals met, 1 no plan meets them, 2 bad input. {DISCLAIMER}",
    )
    parser.add_argument("plan", type=Path, nargs="?", metavar="PLAN.toml")
    parser.add_argument("--phantom", metavar="NAME", help="instead: see cryosim list phantoms")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes; default: one a core")
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="simulate on the workers of this Dask cluster"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: PLAN-plans")
    parser.set_defaults(command=_optimize)


def _optimize(options: argparse.Namespace) -> int:
    from ..anatomy import phantom_plan, read_anatomy
    from ..pictures import draw_plans
    from ..plan import read_plan, write_plan
    from ..planning import optimize, plans_document, write_plans
    from ..reporting import print_plans, write_result
    from ..tasks import dask_executor

    if (options.plan is None) == (options.phantom is None):
        raise InputError("optimize: give a plan or --phantom NAME, one of them")
    plan = phantom_plan(options.phantom) if options.phantom else read_plan(options.plan)
    output = options.output or Path(f"{options.phantom or options.plan.stem}-plans")
    console = new_console()
    cluster = dask_executor(options.scheduler) if options.scheduler else nullcontext()
    try:
        with cluster as executor, search_progress(console) as (search, last):
            found = optimize(
                read_anatomy(plan), plan, folder=output, executor=executor, jobs=options.jobs,
                callbacks=[search], progress=[last],
            )  # fmt: skip
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {output / 'journal.jsonl'} keeps what was simulated, and the same command "
            "goes on"
        ) from None
    with all_or_nothing(output) as folder:
        plans = plans_document(found)
        print_plans(plans, console)
        note = write_result(found.report, found.result, folder, plans)
        write_plan(found.plan, folder / "plan.json", output)
        write_plans(plans, folder / "plans.json")
        draw_plans(plans).savefig(folder / "plans.png", dpi=150)
    if note:
        console.print(note, highlight=False)
    return GOALS_MET if found.passed else GOAL_FAILED


def _add_benchmark(commands: Commands) -> None:
    parser = commands.add_parser(
        "benchmark",
        help="time, memory and error of a plan on several grids",
        description="Simulate a plan on grids of several spacings, each in a process of its own; "
        "report time, memory, and the error of isotherm volumes. Finished cases are kept: the same "
        "command again runs only what is missing.",
        epilog=f"Exit code: 0 all grids were run, 2 bad input or a grid was not. {DISCLAIMER}",
    )
    parser.add_argument("plan", type=Path, nargs="?", metavar="PLAN.toml", help="default: the demo")
    parser.add_argument("--phantom", metavar="NAME", help="instead: see cryosim list phantoms")
    parser.add_argument(
        "--spacing-mm", default="4,3,2,1.5,1", metavar="MM,MM,...", help="default: %(default)s"
    )
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FILE.json",
        help="a timeline to compare with, such as a report.json; default: the finest grid",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="grids side by side; they slow each other down, so take times with 1, the default",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: PLAN-benchmark")
    parser.set_defaults(command=_benchmark)


def _benchmark(options: argparse.Namespace) -> int:
    from ..reporting import print_batch, write_batch
    from ..studies import benchmark

    plan, name = _plan_to_benchmark(options)
    spacings_mm = numbers("--spacing-mm", options.spacing_mm)
    output = options.output or Path(f"{name}-benchmark")
    console = new_console()
    try:
        with batch_progress(console) as callback:
            batch = benchmark(
                plan,
                output,
                spacings_mm,
                reference=options.reference,
                jobs=options.jobs,
                callbacks=[callback],
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {output / 'cases'} keeps what is finished, and the same command goes on"
        ) from None
    print_batch(batch, console)
    console.print(f"wrote {output}/: {', '.join(write_batch(batch, output))}", highlight=False)
    return BAD_INPUT if batch.refused else GOALS_MET


def _plan_to_benchmark(options: argparse.Namespace) -> tuple[Plan, str]:
    """Return the plan, and what its output folder is named after."""
    from ..anatomy import phantom_plan
    from ..plan import read_plan

    if options.plan is None:
        name = options.phantom or DEMO_PHANTOM
        return phantom_plan(name), name
    if options.phantom is not None:
        raise InputError(
            f"{options.plan} and --phantom {options.phantom}: give a plan or a phantom, not both"
        )
    return read_plan(options.plan), options.plan.stem


def _add_calibrate(commands: Commands) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="find a probe's numbers from the size of its ice and the cold of its surface",
        description="Find a probe's surface temperature, or the film between its gas and its "
        "surface, and its active length, from measurements around one probe in a uniform medium.",
        epilog="What is not given is found. One size: --minutes, --start and --width or --length. "
        "Several measurements: --ice FILE.toml with [[ice]] (minutes, start_c, width_mm, "
        "length_mm, width_uncertainty_mm, length_uncertainty_mm, isotherm_c) and [[surface]] "
        "(minutes, start_c, surface_c, surface_uncertainty_c).",
    )
    parser.add_argument(
        "--diameter", type=float, required=True, metavar="N", help="of the probe, mm"
    )
    parser.add_argument("--ice", type=Path, metavar="FILE.toml", help="measurements, see below")
    for option, text in (
        ("--minutes", "how long the probe froze"),
        ("--start", "temperature of the medium before, C"),
        ("--width", "of the ice across the probe, mm"),
        ("--width-uncertainty", "one standard deviation, mm"),
        ("--length", "of the ice along the probe, mm"),
        ("--length-uncertainty", "one standard deviation, mm"),
        ("--isotherm", "temperature at the edge that was measured, C; default: 0"),
        ("--surface", "temperature of the surface where known, C"),
        ("--gas", "temperature of gas behind a film, C; default with --exchange: -196"),
        ("--exchange", "heat transfer through that film where known, W/m2/K"),
        ("--active-length", "of the probe where known, mm"),
    ):
        parser.add_argument(option, type=float, metavar="N", help=text)
    parser.add_argument(
        "--find",
        metavar="KEY,...",
        help="of surface_c, gas_c, exchange_w_m2k, active_length_mm; default: all not given",
    )
    for option, default, text in (
        ("--cool-down", 20.0, "time constant of the probe, s"),
        ("--spacing", 1.0, "voxels of the last grid, mm"),
    ):
        parser.add_argument(
            option, type=float, default=default, metavar="N", help=f"{text}; default: {default:g}"
        )
    parser.add_argument("--tissue", default="gel", metavar="NAME", help="the medium; default: gel")
    parser.set_defaults(command=_calibrate)


def _calibrate(options: argparse.Namespace) -> int:
    from ..reporting import print_calibration
    from ..studies import calibrate
    from ..tissue import read_library

    found = calibrate(
        _observations(options),
        read_library()[options.tissue],
        options.diameter,
        surface_c=options.surface,
        gas_c=options.gas,
        exchange_w_m2k=options.exchange,
        active_length_mm=options.active_length,
        find=options.find and [key.strip() for key in options.find.split(",")],
        cool_down_s=options.cool_down,
        spacings_mm=(2 * options.spacing, options.spacing),
    )
    print_calibration(found, new_console())
    return GOALS_MET


def _observations(options: argparse.Namespace) -> Sequence[Observation]:
    """Return the measurements of a file, or the one that options say."""
    from ..studies import Iceball, read_observations

    one = {
        "minutes": options.minutes,
        "start_c": options.start,
        "width_mm": options.width,
        "length_mm": options.length,
        "width_uncertainty_mm": options.width_uncertainty,
        "length_uncertainty_mm": options.length_uncertainty,
        "isotherm_c": options.isotherm,
    }
    said = {key: value for key, value in one.items() if value is not None}
    if options.ice is not None:
        if said:
            raise InputError(
                f"calibrate: --ice {options.ice} and one size by options; write it into the file "
                "as [[ice]]"
            )
        return read_observations(options.ice)
    if "minutes" not in said or "start_c" not in said:
        raise InputError(
            "calibrate: nothing was measured; give --minutes, --start and --width or --length, or "
            "--ice FILE.toml"
        )
    return (Iceball(**said),)
