"""Look at results: view, report, compare, compare-seen, export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .exit_codes import GOALS_MET
from .options import Commands, add_isotherms, add_output, add_result, numbers
from .output_folder import all_or_nothing, new_console

if TYPE_CHECKING:
    from ..simulation import Result

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands of this module."""
    _add_view(commands)

    report = commands.add_parser("report", help="write the report of a result anew, also as PDF")
    add_result(report)
    report.add_argument(
        "--pdf", action="store_true", help="also report.pdf; needs pip install 'cryosim[pdf]'"
    )
    report.set_defaults(command=_report)

    _add_compare(commands)
    _add_compare_seen(commands)
    _add_export(commands)


def _add_minutes(parser: argparse.ArgumentParser, what: str) -> None:
    text = f"{what}; default: end of last freeze"
    parser.add_argument("--minutes", type=float, metavar="N", help=text)


def _time_s(options: argparse.Namespace) -> float | None:
    return None if options.minutes is None else 60 * float(options.minutes)


def _read(folder: Path) -> Result:
    from ..results import load_result

    return load_result(folder / "result.vtkhdf")


def _beside(folder: Path, kind: str) -> Path:
    """Where something made of a result goes by default: here, named after its folder."""
    return Path(f"{folder.resolve().name}-{kind}")


def _add_view(commands: Commands) -> None:
    parser = commands.add_parser(
        "view",
        help="show a result in 3-D, or two side by side",
        description="Open a window with the result in 3-D; keys are listed there. Without a "
        "display, write a picture, a movie or an interactive page.",
    )
    add_result(parser)
    add_result(parser, "second", nargs="?", help="another, beside it")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--screenshot", type=Path, metavar="FILE.png", help="write a picture")
    output.add_argument(
        "--movie", type=Path, metavar="FILE", help="write the growth of the ice as .gif or .mp4"
    )
    output.add_argument(
        "--html", type=Path, metavar="FILE.html", help="write a scene that browsers turn and zoom"
    )
    _add_minutes(parser, "when")
    add_isotherms(parser)
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


def _view(options: argparse.Namespace) -> int:
    from ..scene import open_window, save_movie, save_picture, save_web_scene

    if options.second and options.html:
        raise InputError("--html takes one result; leave the second out, or use --screenshot")
    if options.minutes is not None and options.movie:
        raise InputError("--movie shows all times; leave --minutes out")
    result = _read(options.folder)
    look = _look(options)
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
    new_console().print(f"wrote {written}. {note}".strip(), highlight=False)
    return GOALS_MET


def _look(options: argparse.Namespace) -> dict[str, Any]:
    """Return how a result is shown, as `show` takes it."""
    look: dict[str, Any] = {
        "color_target_by": None if options.margin == "none" else options.margin,
        "window": options.window,
        "time_s": _time_s(options),
    }
    if options.isotherms:
        look["isotherms_c"] = numbers("--isotherms", options.isotherms)
    if options.second:
        look["compare_with"] = _read(options.second)
    return look


def _report(options: argparse.Namespace) -> int:
    from ..evaluation import evaluate
    from ..planning import read_plans
    from ..reporting import write_html_report, write_pdf_report

    result = _read(options.folder)
    report = evaluate(result)
    plans = read_plans(options.folder / "plans.json")
    with all_or_nothing(options.folder) as folder:
        if options.pdf:
            write_pdf_report(report, result, folder / "report.pdf", plans=plans)
        write_html_report(report, result, folder / "report.html", plans=plans)
    return GOALS_MET


def _add_compare(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="put two results, or two masks, side by side",
        description="Compare two results, or two segmentations of one thing: volumes, relative "
        "volume difference, Dice, and distances of their surfaces.",
    )
    add_result(parser, "first", help="a folder that run or demo wrote; or a NIfTI mask")
    add_result(parser, "second", help="another one")
    parser.add_argument(
        "--label", metavar="LABEL", help="of masks that hold several; A,B where they differ"
    )
    add_output(parser, "DIR-vs-DIR")
    parser.set_defaults(command=_compare)


def _compare(options: argparse.Namespace) -> int:
    from ..images.nifti import is_nifti_name

    masks = [is_nifti_name(path) for path in (options.first, options.second)]
    if all(masks):
        return _compare_masks(options)
    if any(masks):
        raise InputError(
            "compare: give two results or two masks; 'cryosim compare-seen' compares a result with "
            "a mask of the ice"
        )
    if options.label is not None:
        raise InputError(f"compare: --label {options.label} is for masks; leave it out")
    return _compare_results(options)


def _compare_masks(options: argparse.Namespace) -> int:
    from ..images import read_labels
    from ..reporting import print_masks, write_masks
    from ..studies import compare_masks

    first, second = (read_labels(path) for path in (options.first, options.second))
    names, output = _of_both(options)
    comparison = compare_masks(first, second, labels=_labels(options.label), names=names)
    print_masks(comparison, new_console())
    with all_or_nothing(output) as folder:
        write_masks(comparison, folder)
    return GOALS_MET


def _labels(given: str | None) -> tuple[str | None, str | None]:
    """Return the label in each of two masks."""
    if given is None:
        return None, None
    labels = given.split(",")
    if len(labels) > 2:
        raise InputError(f"compare: --label = '{given}': give one label, or two as in --label 2,1")
    return labels[0], labels[-1]


def _compare_results(options: argparse.Namespace) -> int:
    from ..reporting import print_comparison, write_comparison
    from ..studies import compare_results

    first, second = (_read(folder) for folder in (options.first, options.second))
    names, output = _of_both(options)
    comparison = compare_results(first, second, names)
    print_comparison(comparison, new_console())
    with all_or_nothing(output) as folder:
        write_comparison(comparison, folder)
    return GOALS_MET


def _of_both(options: argparse.Namespace) -> tuple[tuple[str, str], Path]:
    """Say how two folders or files are called, and where their comparison goes."""
    first, second = (
        path.resolve().name.removesuffix(".gz").removesuffix(".nii")
        for path in (options.first, options.second)
    )
    output = options.output or Path(f"{first}-vs-{second}")
    if first == second:
        first, second = str(options.first), str(options.second)
    return (first, second), output


def _add_compare_seen(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare-seen",
        help="compare the predicted ice with ice segmented in an image",
        description="Compare the predicted 0 C ice with the ice that was segmented in a CT of the "
        "procedure, registered to the plan's image: Dice, surface distances, and a picture.",
    )
    add_result(parser)
    parser.add_argument("ice", type=Path, metavar="ICE.nii.gz", help="NIfTI label map of the ice")
    _add_minutes(parser, "when it was seen")
    parser.add_argument("--label", metavar="LABEL", help="of the ice, where there are several")
    add_output(parser, "DIR-seen")
    parser.set_defaults(command=_compare_seen)


def _compare_seen(options: argparse.Namespace) -> int:
    from ..images import read_labels
    from ..reporting import print_seen, write_seen
    from ..studies import compare_with_seen

    result = _read(options.folder)
    seen = read_labels(options.ice)
    comparison = compare_with_seen(result, seen, time_s=_time_s(options), label=options.label)
    output = options.output or _beside(options.folder, "seen")
    print_seen(comparison, new_console())
    with all_or_nothing(output) as folder:
        write_seen(comparison, folder)
    return GOALS_MET


def _add_export(commands: Commands) -> None:
    parser = commands.add_parser(
        "export",
        help="write surfaces (STL, PLY, VTP) and NIfTI for other programs",
        description="Write isotherms, target, organs and needles as surfaces in LPS millimeters, "
        "and coldest temperature and cell kill as NIfTI on the grid of the plan's image.",
    )
    add_result(parser)
    add_output(parser, "DIR-export")
    add_isotherms(parser)
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


def _export(options: argparse.Namespace) -> int:
    from ..exports import export_result
    from ..images import read_volume

    result = _read(options.folder)
    levels = numbers("--isotherms", options.isotherms) if options.isotherms else None
    minutes = numbers("--minutes", options.minutes) if options.minutes else []
    grid = read_volume(options.image).grid if options.image else None
    output = options.output or _beside(options.folder, "export")
    with all_or_nothing(output) as folder:
        exported = export_result(
            result,
            folder,
            isotherms_c=levels,
            times_s=[60 * minute for minute in minutes],
            formats=options.format.split(","),
            image_grid=grid,
        )
    for note in exported.notes:
        new_console().print(note, highlight=False, markup=False)
    return GOALS_MET
