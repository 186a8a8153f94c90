"""The command line: parse, call the API, set the exit code; nothing else."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from .benchmarking import BatchCallback
    from .evaluation import Report
    from .plan import Plan
    from .planning import EvaluationCallback
    from .simulation import Callback, Result
    from .tissue import TissueGrid

__all__ = ["main"]

GOALS_MET, GOAL_FAILED, BAD_INPUT = 0, 1, 2
_DISCLAIMER = "Research software, not a medical device."
_DEMO = "iliac-metastasis"
_USUAL_SIMULATIONS = 45  # of a search
_DEMO_SPACING_MM = 1.5  # seconds instead of minutes; numbers for a paper take 1 mm


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    0 when all goals are met, 1 when one failed, 2 for bad input or usage.
    """
    options = _parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        # A polite kill cleans up like Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except InputError as error:
        print(f"cryosim: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as stop:
        print(f"cryosim: {str(stop) or 'stopped; nothing was written'}", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cryosim",
        description=f"Cryoablation iceball simulator. {_DISCLAIMER}",
        epilog="Exit code: 0 all goals met, 1 a goal failed, 2 bad input or usage.",
    )
    parser.add_argument("--version", action="version", version=f"cryosim {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

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
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="default: PLAN-result, with --probes PLAN-reached-result",
    )
    run.set_defaults(command=_run)

    compare = commands.add_parser("compare", help="put two results side by side")
    compare.add_argument("first", type=Path, metavar="DIR", help="a folder that run or demo wrote")
    compare.add_argument("second", type=Path, metavar="DIR", help="another one")
    compare.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: DIR-vs-DIR")
    compare.set_defaults(command=_compare)

    _add_compare_seen(commands)
    _add_export(commands)

    check = commands.add_parser("check", help="validate a plan, predict memory and time")
    check.add_argument("plan", type=Path, metavar="PLAN.toml")
    check.set_defaults(command=_check)

    _add_view(commands)

    report = commands.add_parser("report", help="write the report of a result anew, also as PDF")
    report.add_argument("folder", type=Path, metavar="DIR", help="a folder that run or demo wrote")
    report.add_argument(
        "--pdf", action="store_true", help="also report.pdf; needs pip install 'cryosim[pdf]'"
    )
    report.set_defaults(command=_report)

    phantom = commands.add_parser("phantom", help="write a phantom as NIfTI and DICOM with a plan")
    phantom.add_argument("name", metavar="NAME", help="see: cryosim list phantoms")
    phantom.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    phantom.set_defaults(command=_phantom)

    _add_optimize(commands)
    _add_calibrate(commands)
    _add_benchmark(commands)

    listing = commands.add_parser("list", help="list what is shipped")
    listing.add_argument("what", choices=["probes", "tissues", "protocols", "phantoms"])
    listing.set_defaults(command=_list)

    schema = commands.add_parser("schema", help="print the JSON Schema of plan files")
    schema.set_defaults(command=_schema)
    return parser


def _add_compare_seen(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "compare-seen",
        help="compare the predicted ice with ice segmented in an image",
        description="Compare the predicted 0 C ice with the ice that was segmented in a CT of the "
        "procedure, registered to the plan's image: Dice, surface distances, and a picture.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that run or demo wrote")
    parser.add_argument("ice", type=Path, metavar="ICE.nii.gz", help="NIfTI label map of the ice")
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="when it was seen; default: end of last freeze"
    )
    parser.add_argument("--label", metavar="LABEL", help="of the ice, where there are several")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: DIR-seen")
    parser.set_defaults(command=_compare_seen)


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "export",
        help="write surfaces (STL, PLY, VTP) and NIfTI for other programs",
        description="Write isotherms, target, organs and needles as surfaces in LPS millimeters, "
        "and coldest temperature and cell kill as NIfTI on the grid of the plan's image.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that run or demo wrote")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: DIR-export")
    parser.add_argument(
        "--isotherms", metavar="C,C,...", help="default: the plan's; write --isotherms=-40,-20"
    )
    parser.add_argument(
        "--minutes", metavar="N,N,...", help="also the ice and the temperatures at these times"
    )
    parser.add_argument(
        "--format", default="stl", metavar="stl,ply,vtp", help="of surfaces; default: %(default)s"
    )
    parser.add_argument(
        "--image",
        type=Path,
        metavar="IMAGE",
        help="NIfTI file or DICOM folder whose grid to use; default: the plan's image",
    )
    parser.set_defaults(command=_export)


def _add_view(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "view",
        help="show a result in 3-D, or two side by side",
        description="Open a window with the result in 3-D; keys are listed there. Without a "
        "display, write a picture, a movie or an interactive page.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that run or demo wrote")
    parser.add_argument("second", type=Path, nargs="?", metavar="DIR", help="another, beside it")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--screenshot", type=Path, metavar="FILE.png", help="write a picture")
    output.add_argument(
        "--movie", type=Path, metavar="FILE", help="write the growth of the ice as .gif or .mp4"
    )
    output.add_argument(
        "--html", type=Path, metavar="FILE.html", help="write a scene that browsers turn and zoom"
    )
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="when; default: end of last freeze"
    )
    parser.add_argument(
        "--isotherms", metavar="C,C,...", help="default: the plan's; write --isotherms=-40,-20"
    )
    parser.add_argument(
        "--margin",
        choices=["ice", "lethal", "none"],
        default="ice",
        help="that colors the target's surface; default: %(default)s",
    )
    parser.add_argument(
        "--window", metavar="NAME", help="of a CT: soft-tissue (default), bone or lung"
    )
    parser.set_defaults(command=_view)


def _add_optimize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "optimize",
        help="find how many probes a plan needs, and where they go",
        description="Find the smallest number of probes that meets the plan's goals, and where "
        "they go; write what 'run' writes for the best plan, and all ranked plans. What was "
        "simulated is kept: the same command goes on where it was stopped.",
        epilog=f"Exit code: 0 all goals met, 1 no plan meets them, 2 bad input. {_DISCLAIMER}",
    )
    parser.add_argument("plan", type=Path, nargs="?", metavar="PLAN.toml")
    parser.add_argument("--phantom", metavar="NAME", help="instead: see cryosim list phantoms")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes; default: one a core")
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="simulate on the workers of this Dask cluster"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: PLAN-plans")
    parser.set_defaults(command=_optimize)


def _add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="find a probe's surface temperature and active length from the size of its ice",
        epilog="Give both sizes to find both; give --surface or --active-length to fix one.",
    )
    for option, needed, text in (
        ("--minutes", True, "how long the probe froze"),
        ("--start", True, "temperature of the medium before, C"),
        ("--diameter", True, "of the probe, mm"),
        ("--width", False, "of the ice across the probe, mm"),
        ("--width-uncertainty", False, "one standard deviation, mm"),
        ("--length", False, "of the ice along the probe, mm"),
        ("--length-uncertainty", False, "one standard deviation, mm"),
        ("--surface", False, "temperature of the surface where known, C"),
        ("--active-length", False, "of the probe where known, mm"),
    ):
        parser.add_argument(option, type=float, required=needed, metavar="N", help=text)
    for option, default, text in (
        ("--isotherm", 0.0, "temperature at the edge that was measured, C"),
        ("--cool-down", 20.0, "time constant of the probe, s"),
        ("--spacing", 1.0, "voxels of the last grid, mm"),
    ):
        parser.add_argument(
            option, type=float, default=default, metavar="N", help=f"{text}; default: {default:g}"
        )
    parser.add_argument("--tissue", default="gel", metavar="NAME", help="the medium; default: gel")
    parser.set_defaults(command=_calibrate)


def _add_benchmark(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "benchmark",
        help="time, memory and error of a plan on several grids",
        description="Simulate a plan on grids of several spacings, each in a process of its own; "
        "report time, memory, and the error of isotherm volumes. Finished cases are kept: the same "
        "command again runs only what is missing.",
        epilog=f"Exit code: 0 all grids were run, 2 bad input or a grid was not. {_DISCLAIMER}",
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


def _demo(options: argparse.Namespace) -> int:
    from .anatomy import phantom_plan
    from .plan import GridPlan

    plan = phantom_plan(_DEMO).model_copy(update={"grid": GridPlan(spacing_mm=_DEMO_SPACING_MM)})
    return _verdict(_carry_out(plan, options.output))


def _run(options: argparse.Namespace) -> int:
    from .images import read_probe_lines
    from .plan import move_probes, read_plan

    plan, kind = read_plan(options.plan), "result"
    if options.probes:
        plan, kind = move_probes(plan, read_probe_lines(*options.probes)), "reached-result"
    return _verdict(_carry_out(plan, options.output or Path(f"{options.plan.stem}-{kind}")))


def _compare(options: argparse.Namespace) -> int:
    from .comparison import compare_results, print_comparison, write_comparison
    from .store import load_result

    folders = options.first, options.second
    results = [load_result(folder / "result.vtkhdf") for folder in folders]
    first, second = (folder.resolve().name for folder in folders)
    names = (first, second) if first != second else (str(options.first), str(options.second))
    comparison = compare_results(results[0], results[1], names)
    output = options.output or Path(f"{first}-vs-{second}")
    print_comparison(comparison, _console())
    with _all_or_nothing(output) as folder:
        write_comparison(comparison, folder)
    return GOALS_MET


def _compare_seen(options: argparse.Namespace) -> int:
    from .comparison import compare_with_seen, print_seen, write_seen
    from .images import read_labels
    from .store import load_result

    result = load_result(options.folder / "result.vtkhdf")
    time_s = None if options.minutes is None else 60 * options.minutes
    seen = read_labels(options.ice)
    comparison = compare_with_seen(result, seen, time_s=time_s, label=options.label)
    output = options.output or Path(f"{options.folder.resolve().name}-seen")
    print_seen(comparison, _console())
    with _all_or_nothing(output) as folder:
        write_seen(comparison, folder)
    return GOALS_MET


def _export(options: argparse.Namespace) -> int:
    from .exports import export_result
    from .images import read_volume
    from .store import load_result

    result = load_result(options.folder / "result.vtkhdf")
    levels = _numbers("--isotherms", options.isotherms) if options.isotherms else None
    minutes = _numbers("--minutes", options.minutes) if options.minutes else []
    grid = read_volume(options.image).grid if options.image else None
    output = options.output or Path(f"{options.folder.resolve().name}-export")
    with _all_or_nothing(output) as folder:
        exported = export_result(
            result,
            folder,
            isotherms_c=levels,
            times_s=[60 * minute for minute in minutes],
            formats=options.format.split(","),
            image_grid=grid,
        )
    for note in exported.notes:
        _console().print(note, highlight=False, markup=False)
    return GOALS_MET


def _verdict(report: Report) -> int:
    return GOALS_MET if report.passed else GOAL_FAILED


def _carry_out(plan: Plan, output: Path) -> Report:
    """Simulate, evaluate, write and print."""
    from .anatomy import place_anatomy, read_anatomy
    from .evaluation import evaluate
    from .report import print_report
    from .simulation import simulate

    console = _console()
    with _all_or_nothing(output) as folder:
        tissue = place_anatomy(read_anatomy(plan), plan)
        console.print(_describe(plan, tissue), highlight=False, markup=False)
        with _progress(console, plan.protocol.duration_s / 60) as callback:
            result = simulate(tissue, plan, callbacks=[callback])
        report = evaluate(result)
        print_report(report, result, console)
        note = _write_result(report, result, folder)
    if note:
        console.print(note, highlight=False)
    return report


def _write_result(
    report: Report, result: Result, folder: Path, plans: Mapping[str, Any] | None = None
) -> str:
    """Write what every simulated plan leaves behind; return what is to be said of the picture."""
    from .images import write_probe_lines
    from .page import write_html_report
    from .plan import probe_lines
    from .report import write_report
    from .store import save_result
    from .view import draw_planes, save_picture

    write_report(report, result, folder / "report.json")
    save_result(result, folder / "result.vtkhdf")
    write_probe_lines(probe_lines(result.plan), folder / "probes.mrk.json")
    draw_planes(result).savefig(folder / "planes.png", dpi=150)
    note = save_picture(result, folder / "picture.png")
    write_html_report(
        report, result, folder / "report.html", picture=folder / "picture.png", plans=plans
    )
    return note


def _check(options: argparse.Namespace) -> int:
    from .anatomy import place_anatomy, read_anatomy
    from .plan import read_plan
    from .simulation import forecast, snapshot_times

    plan = read_plan(options.plan)
    tissue = place_anatomy(read_anatomy(plan), plan)
    expected = forecast(tissue, plan, len(snapshot_times(plan)))
    console = _console()
    console.print(_describe(plan, tissue), highlight=False, markup=False)
    for name, share in tissue.structures.items():
        volume = float(share.sum(dtype=float)) * tissue.grid.cell_volume_ml
        console.print(f"{name}: {volume:.1f} ml in the box", highlight=False, markup=False)
    console.print(
        f"expected: {expected.memory_bytes / 1e9:.1f} of {expected.available_bytes / 1e9:.1f} GB "
        f"memory, {expected.stages:,} stages, about {_duration(expected.wall_s)}",
        highlight=False,
    )
    for note in tissue.assumptions:
        console.print(f"assumption: {note}", highlight=False, markup=False)
    for note in tissue.warnings:
        console.print(f"warning: {note}", highlight=False, markup=False)
    if expected.memory_bytes > expected.available_bytes:
        raise InputError(
            f"grid.spacing_mm = {plan.grid.spacing_mm:g}: the run would not fit in memory; "
            "use a larger spacing or a smaller grid.padding_mm"
        )
    return GOALS_MET


def _duration(seconds: float) -> str:
    """Write a time as people say it."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _view(options: argparse.Namespace) -> int:
    from .store import load_result
    from .view import open_window, save_movie, save_picture, save_web_scene

    if options.second and options.html:
        raise InputError("--html takes one result; leave the second out, or use --screenshot")
    if options.minutes is not None and options.movie:
        raise InputError("--movie shows all times; leave --minutes out")
    result = load_result(options.folder / "result.vtkhdf")
    look: dict[str, Any] = {
        "color_target_by": None if options.margin == "none" else options.margin,
        "window": options.window,
    }
    if options.isotherms:
        look["isotherms_c"] = _numbers("--isotherms", options.isotherms)
    if options.minutes is not None:
        look["time_s"] = 60 * options.minutes
    if options.second:
        look["compare_with"] = load_result(options.second / "result.vtkhdf")
    note = ""
    if options.screenshot:
        note = save_picture(result, options.screenshot, **look)
    elif options.movie:
        save_movie(result, options.movie, **look)
    elif options.html:
        save_web_scene(result, options.html, **look)
    else:
        open_window(result, **look)
        return GOALS_MET
    written = options.screenshot or options.movie or options.html
    _console().print(f"wrote {written}. {note}".strip(), highlight=False)
    return GOALS_MET


def _report(options: argparse.Namespace) -> int:
    from .evaluation import evaluate
    from .page import write_html_report, write_pdf_report
    from .plans import read_plans
    from .store import load_result

    result = load_result(options.folder / "result.vtkhdf")
    report = evaluate(result)
    plans = read_plans(options.folder / "plans.json")
    with _all_or_nothing(options.folder) as folder:
        if options.pdf:
            write_pdf_report(report, result, folder / "report.pdf", plans=plans)
        write_html_report(report, result, folder / "report.html", plans=plans)
    return GOALS_MET


def _phantom(options: argparse.Namespace) -> int:
    from cryosim_phantoms import build_phantom, write_phantom

    for path in write_phantom(build_phantom(options.name), options.output):
        print(path)
    return GOALS_MET


def _optimize(options: argparse.Namespace) -> int:
    from .anatomy import phantom_plan, read_anatomy
    from .plan import read_plan, write_plan
    from .planning import dask_executor, optimize
    from .plans import draw_plans, plans_document, print_plans, write_plans

    if (options.plan is None) == (options.phantom is None):
        raise InputError("optimize: give a plan or --phantom NAME, one of them")
    plan = phantom_plan(options.phantom) if options.phantom else read_plan(options.plan)
    output = options.output or Path(f"{options.phantom or options.plan.stem}-plans")
    console = _console()
    cluster = dask_executor(options.scheduler) if options.scheduler else nullcontext()
    try:
        with cluster as executor, _search_progress(console) as (search, last):
            found = optimize(
                read_anatomy(plan), plan, folder=output, executor=executor, jobs=options.jobs,
                callbacks=[search], progress=[last],
            )  # fmt: skip
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {output / 'journal.jsonl'} keeps what was simulated, and the same command "
            "goes on"
        ) from None
    with _all_or_nothing(output) as folder:
        plans = plans_document(found)
        print_plans(plans, console)
        note = _write_result(found.report, found.result, folder, plans)
        write_plan(found.plan, folder / "plan.json", output)
        write_plans(plans, folder / "plans.json")
        draw_plans(plans).savefig(folder / "plans.png", dpi=150)
    if note:
        console.print(note, highlight=False)
    return GOALS_MET if found.passed else GOAL_FAILED


def _calibrate(options: argparse.Namespace) -> int:
    from .calibration import Iceball, calibrate
    from .tissue import read_library

    observed = Iceball(
        minutes=options.minutes,
        start_c=options.start,
        width_mm=options.width,
        length_mm=options.length,
        width_uncertainty_mm=options.width_uncertainty,
        length_uncertainty_mm=options.length_uncertainty,
        isotherm_c=options.isotherm,
    )
    found = calibrate(
        observed,
        read_library()[options.tissue],
        options.diameter,
        surface_c=options.surface,
        active_length_mm=options.active_length,
        cool_down_s=options.cool_down,
        spacings_mm=(2 * options.spacing, options.spacing),
    )
    _console().print(
        f"surface_c = {found.surface_c:.1f}, active_length_mm = {found.active_length_mm:.1f} "
        f"({found.simulations} simulations)\n{found.provenance}",
        highlight=False,
    )
    return GOALS_MET


def _benchmark(options: argparse.Namespace) -> int:
    from .benchmarking import benchmark, print_batch, write_batch

    plan, name = _plan_to_benchmark(options)
    spacings_mm = _numbers("--spacing-mm", options.spacing_mm)
    output = options.output or Path(f"{name}-benchmark")
    console = _console()
    try:
        with _batch_progress(console) as callback:
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
    from .anatomy import phantom_plan
    from .plan import read_plan

    if options.plan is None:
        name = options.phantom or _DEMO
        return phantom_plan(name), name
    if options.phantom is not None:
        raise InputError(
            f"{options.plan} and --phantom {options.phantom}: give a plan or a phantom, not both"
        )
    return read_plan(options.plan), options.plan.stem


def _numbers(option: str, text: str) -> list[float]:
    """Read numbers with commas between them."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{option} = '{text}': use numbers with commas between them, for example 4,3,2"
        ) from None


def _list(options: argparse.Namespace) -> int:
    from rich.table import Table

    table = Table(*_LISTS[options.what][0])
    for row in _LISTS[options.what][1]():
        table.add_row(*row)
    _console().print(table)
    return GOALS_MET


def _probe_rows() -> Iterator[tuple[str, ...]]:
    from .probes import read_catalog

    for model in read_catalog().values():
        numbers = (model.diameter_mm, model.active_length_mm, model.surface_c)
        yield (model.name, *[f"{number:g}" for number in numbers], model.description)


def _tissue_rows() -> Iterator[tuple[str, ...]]:
    from .tissue import read_library

    for tissue in read_library().values():
        yield (
            tissue.name,
            f"{tissue.k_unfrozen_w_mk:.3g} / {tissue.k_frozen_w_mk:.3g}",
            f"{tissue.rho_c_unfrozen_j_m3k / 1e6:.3g} / {tissue.rho_c_frozen_j_m3k / 1e6:.3g}",
            f"{tissue.latent_heat_j_m3 / 1e6:.3g}",
            f"{tissue.solidus_c:g} to {tissue.liquidus_c:g}",
            f"{tissue.perfusion_1_s:.2g}",
        )


def _protocol_rows() -> Iterator[tuple[str, ...]]:
    from .plan import PRESETS

    for name, preset in PRESETS.items():
        yield name, preset.text, preset.source


def _phantom_rows() -> Iterator[tuple[str, ...]]:
    from cryosim_phantoms import phantom_descriptions

    yield from phantom_descriptions().items()


_LISTS: dict[str, tuple[tuple[str, ...], Callable[[], Iterator[tuple[str, ...]]]]] = {
    "probes": (("name", "diameter mm", "active mm", "surface C", "what"), _probe_rows),
    "tissues": (
        (
            "name",
            "k W/m/K (unfrozen / frozen)",
            "rho c MJ/m3/K",
            "latent MJ/m3",
            "freezes C",
            "perfusion 1/s",
        ),
        _tissue_rows,
    ),
    "protocols": (("preset", "stages", "source"), _protocol_rows),
    "phantoms": (("name", "what"), _phantom_rows),
}


def _schema(_: argparse.Namespace) -> int:
    from .plan import plan_schema

    print(json.dumps(plan_schema(), indent=2))
    return GOALS_MET


def _describe(plan: Plan, tissue: TissueGrid) -> str:
    probes = ", ".join(sorted({probe.model for probe in plan.probe}))
    return (
        f"{tissue.grid.describe()}; {', '.join(t.name for t in tissue.tissues)}\n"
        f"{len(plan.probe)} x {probes}; {plan.protocol.describe()}"
    )


def _console() -> Console:
    from rich.console import Console

    return Console()


@contextmanager
def _progress(console: Console, minutes: float) -> Iterator[Callback]:
    """Show a bar that follows the simulated time."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from .simulation import Callback

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:.0f} min"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("preparing", total=minutes)

        class Bar(Callback):
            def on_compile(self) -> None:
                bar.update(task, description="compiling (once)")

            def on_start(self, duration_s: float) -> None:
                bar.update(task, description="simulating", total=duration_s / 60)

            def on_progress(self, time_s: float) -> None:
                bar.update(task, completed=time_s / 60)

        yield Bar()


@contextmanager
def _search_progress(console: Console) -> Iterator[tuple[EvaluationCallback, Callback]]:
    """Show how many candidates were simulated, the best so far and the time left.

    How many there will be is a guess until the search is over: most need no more.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from .planning import EvaluationCallback, missing_of
    from .simulation import Callback

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("searching", total=_USUAL_SIMULATIONS, told="")
        done, best = 0, (float("inf"), float("inf"))

        class Searching(EvaluationCallback):
            def on_evaluated(self, outcome: dict[str, Any], done_: int, asked: int) -> None:  # noqa: ARG002
                nonlocal done, best
                done += 1
                if "goals" in outcome:
                    missing = sum(missing_of(outcome["goals"], {}).values())
                    best = min(best, (missing, outcome["healthy_frozen_ml"]))
                told = f"{done} simulated"
                if best[0] == 0.0:
                    told += f"; best: all goals met, {best[1]:.0f} ml healthy ice"
                elif best[0] < float("inf"):
                    told += "; best: a goal is missed"
                bar.update(task, told=told, completed=done, total=max(_USUAL_SIMULATIONS, done + 5))

            def on_death(self, deaths: int) -> None:  # noqa: ARG002
                console.print("a worker died; what it had under way is simulated again")

        class Last(Callback):
            def on_start(self, duration_s: float) -> None:
                bar.reset(task, description="best plan", total=duration_s)

            def on_progress(self, time_s: float) -> None:
                bar.update(task, completed=time_s)

            def on_end(self) -> None:
                bar.update(task, description="judging it")

        yield Searching(), Last()


@contextmanager
def _batch_progress(console: Console) -> Iterator[BatchCallback]:
    """Show a bar over all grids of a batch, each by the work that it is; only on a terminal."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from .benchmarking import BatchCallback

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting")
        work: dict[float, float] = {}
        done: dict[float, float] = {}

        class Bar(BatchCallback):
            def on_start(self, missing_mm: Sequence[float], finished_mm: Sequence[float]) -> None:
                if finished_mm:
                    names = ", ".join(f"{spacing:g}" for spacing in finished_mm)
                    console.print(
                        f"finished before: {names} mm; {len(missing_mm)} to run", highlight=False
                    )
                # Voxels and stages.
                work.update({spacing: spacing**-4 for spacing in missing_mm})
                bar.update(task, total=sum(work.values()))

            def on_progress(self, spacing_mm: float, share: float) -> None:
                done[spacing_mm] = share
                running = ", ".join(f"{s:g}" for s, done_share in done.items() if done_share < 1)
                completed = sum(share * work[spacing] for spacing, share in done.items())
                bar.update(task, description=f"simulating at {running} mm", completed=completed)

            def on_case(self, spacing_mm: float) -> None:
                self.on_progress(spacing_mm, 1.0)

        yield Bar()


@contextmanager
def _all_or_nothing(output: Path) -> Iterator[Path]:
    """Give a folder to write to; its files move to `output`, and are named, if all went well."""
    if output.exists() and not output.is_dir():
        raise InputError(f"output {output}: is a file; choose a folder with -o")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    except OSError as error:
        raise InputError(f"output {output}: cannot be written ({error.strerror})") from None
    try:
        yield partial
        output.mkdir(exist_ok=True)
        paths = sorted(partial.iterdir())
        for path in paths:
            path.replace(output / path.name)
        names = ", ".join(path.name for path in paths)
        _console().print(f"wrote {output}/: {names}", highlight=False, markup=False)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
