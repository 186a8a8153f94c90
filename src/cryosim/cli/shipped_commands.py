"""What is shipped: phantom, list, schema."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from .exit_codes import GOALS_MET
from .options import Commands
from .output_folder import new_console

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands of this module."""
    phantom = commands.add_parser("phantom", help="write a phantom as NIfTI and DICOM with a plan")
    phantom.add_argument("name", metavar="NAME", help="see: cryosim list phantoms")
    phantom.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    phantom.set_defaults(command=_phantom)

    listing = commands.add_parser("list", help="list what is shipped")
    listing.add_argument("what", choices=["probes", "tissues", "protocols", "phantoms"])
    listing.set_defaults(command=_list)

    schema = commands.add_parser("schema", help="print the JSON Schema of plan files")
    schema.set_defaults(command=_schema)


def _phantom(options: argparse.Namespace) -> int:
    from cryosim_phantoms import build_phantom, write_phantom

    for path in write_phantom(build_phantom(options.name), options.output):
        print(path)
    return GOALS_MET


def _list(options: argparse.Namespace) -> int:
    from rich.table import Table

    table = Table(*_LISTS[options.what][0])
    for row in _LISTS[options.what][1]():
        table.add_row(*row)
    new_console().print(table)
    return GOALS_MET


def _probe_rows() -> Iterator[tuple[str, ...]]:
    from ..probes import read_catalog

    for model in read_catalog().values():
        numbers = (model.diameter_mm, model.active_length_mm, model.surface_c)
        yield (model.name, *[f"{number:g}" for number in numbers], model.description)


def _tissue_rows() -> Iterator[tuple[str, ...]]:
    from ..tissue import read_library

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
    from ..plan import PRESETS

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
    from ..plan import plan_schema

    print(json.dumps(plan_schema(), indent=2))
    return GOALS_MET
