"""What is shipped: phantom, list, schema."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .exit_codes import GOALS_MET
from .options import Commands
from .output_folder import new_console

if TYPE_CHECKING:
    from ..probes import ProbeModel
    from ..tissue import Tissue

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands of this module."""
    phantom = commands.add_parser("phantom", help="write a phantom as NIfTI and DICOM with a plan")
    phantom.add_argument("name", metavar="NAME", help="see: cryosim list phantoms")
    phantom.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    phantom.set_defaults(command=_phantom)

    listing = commands.add_parser("list", help="list what is shipped")
    listing.add_argument("what", choices=["probes", "tissues", "protocols", "phantoms"])
    listing.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="of probes or tissues: every number with its range, source, and how well it is known",
    )
    listing.set_defaults(command=_list)

    schema = commands.add_parser("schema", help="print the JSON Schema of plan files")
    schema.set_defaults(command=_schema)


def _phantom(options: argparse.Namespace) -> int:
    from cryosim_phantoms import build_phantom, write_phantom

    for path in write_phantom(build_phantom(options.name), options.output):
        print(path)
    return GOALS_MET


def _list(options: argparse.Namespace) -> int:
    from rich.markup import escape
    from rich.table import Table

    if options.names and options.what not in _NUMBERS_OF:
        raise InputError(
            f"list {options.what} {options.names[0]}: only probes and tissues are listed by name"
        )
    console = new_console()
    for name in options.names:
        found, cited = _NUMBERS_OF[options.what](name)
        table = Table(*_NUMBER_COLUMNS, title=found.name, title_justify="left", show_lines=True)
        for row in _number_rows(found):
            table.add_row(*map(escape, row))
        console.print(table, *map(escape, cited), sep="\n")
    if not options.names:
        columns, rows, more = _LISTS[options.what]
        table = Table(*columns, show_lines=bool(more))
        table.columns[0].no_wrap = True
        for row in rows():
            table.add_row(*map(escape, row))
        console.print(table, *map(escape, filter(None, [more])), sep="\n")
    return GOALS_MET


def _model(name: str) -> tuple[ProbeModel, list[str]]:
    from ..probes import citations, find_model

    return find_model(name), citations([find_model(name)])


def _tissue(name: str) -> tuple[Tissue, list[str]]:
    from ..tissue import citations, read_library

    return read_library()[name], citations([read_library()[name]])


_NUMBER_COLUMNS = ("number", "value", "range", "known", "source")
_NUMBERS_OF: dict[str, Callable[[str], tuple[ProbeModel | Tissue, list[str]]]] = {
    "probes": _model,
    "tissues": _tissue,
}


def _number_rows(of: ProbeModel | Tissue) -> Iterator[tuple[str, ...]]:
    """Every number of a probe or tissue, in the words of plan files."""
    from ..sources import how_well_known

    for key, source in of.sources.items():
        value = getattr(of, key)
        yield key, f"{value:.4g}", _range(of, key), how_well_known(source), source


def _range(of: ProbeModel | Tissue, key: str) -> str:
    return "{:.4g} to {:.4g}".format(*of.ranges[key]) if key in of.ranges else ""


def _probe_rows() -> Iterator[tuple[str, ...]]:
    from ..probes import read_catalog
    from ..sources import how_well_known

    for model in read_catalog().values():
        if model.surface_c is not None:
            key, freezes = "surface_c", f"surface {model.surface_c:g} C"
        else:
            key, freezes = (
                "exchange_w_m2k",
                f"gas {model.gas_c:g} C, {model.exchange_w_m2k:g} W/m2/K",
            )
        if model.power_limit_w is not None:
            freezes += f", at most {model.power_limit_w:g} W"
        within = _range(model, key)
        yield (
            f"{model.name}\n{model.diameter_mm:g} x {model.active_length_mm:g} mm",
            f"{freezes}\n({within})" if within else freezes,
            how_well_known(model.sources[key]),
            f"{model.description}. {model.sources[key]}",
        )


def _tissue_rows() -> Iterator[tuple[str, ...]]:
    from ..sources import how_well_known
    from ..tissue import read_library

    for tissue in read_library().values():
        key = "perfusion_1_s"
        if tissue.flow_of:
            whole = tissue.host_flow_share == 1.0
            part = "" if whole else f"{100 * tissue.host_flow_share:.0f} % of "
            share = f"{part}its organ's, else "
            key = key if whole else "host_flow_share"
        else:
            share = ""
        within = _range(tissue, key)
        flow = f"{share}{tissue.perfusion_1_s:.3g}"
        yield (
            tissue.name,
            f"{flow}\n({within})" if within else flow,
            how_well_known(tissue.sources[key]),
            tissue.sources[key],
        )


def _protocol_rows() -> Iterator[tuple[str, ...]]:
    from ..plan import PRESETS

    for name, preset in PRESETS.items():
        yield name, preset.text, preset.source


def _phantom_rows() -> Iterator[tuple[str, ...]]:
    from cryosim_phantoms import phantom_descriptions

    yield from phantom_descriptions().items()


_MORE = "Every number with its range, source, and how well it is known: cryosim list {} NAME"
_LISTS: dict[str, tuple[tuple[str, ...], Callable[[], Iterator[tuple[str, ...]]], str]] = {
    "probes": (
        ("name", "freezes with (range)", "known", "what, and source"),
        _probe_rows,
        _MORE.format("probes"),
    ),
    "tissues": (
        ("name", "blood flow 1/s (range)", "known", "source"),
        _tissue_rows,
        _MORE.format("tissues"),
    ),
    "protocols": (("preset", "stages", "source"), _protocol_rows, ""),
    "phantoms": (("name", "what"), _phantom_rows, ""),
}


def _schema(_: argparse.Namespace) -> int:
    from ..plan import plan_schema

    print(json.dumps(plan_schema(), indent=2))
    return GOALS_MET
