"""A result for other programs: surfaces as STL, PLY or VTP, fields as NIfTI on the image's grid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, expect_type
from ..evaluation import kill_probability
from ..geometry import Grid
from ..images import check_overlap, resample_field, write_field
from ..scene import isotherm_mesh, needle_meshes, structure_mesh
from ..simulation import Result
from .surface_files import SURFACE_ENDINGS, write_mesh

if TYPE_CHECKING:
    import pyvista

__all__ = ["Exported", "export_result"]

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes
    ----------
    files : names in the folder, surfaces first.
    notes : sentences about what is missing, or lies elsewhere than expected.
    """

    files: tuple[str, ...]
    notes: tuple[str, ...]


def export_result(
    result: Result,
    folder: str | Path,
    *,
    isotherms_c: Sequence[float] | None = None,
    times_s: Sequence[float] = (),
    formats: Sequence[str] = ("stl",),
    image_grid: Grid | None = None,
) -> Exported:
    """Write surfaces and fields that 3D Slicer, ParaView and others read.

    Surfaces are closed and in LPS millimeters: the isotherms of the coldest-ever field and at each
    time, target, organs at risk, active parts and shafts of needles. Isotherms enclose the probes
    and leave out gas. Fields are float32 NIfTI: `coldest_c`, the temperature at each time,
    `kill_probability`; outside the simulated box they are body temperature and 0.

    Parameters
    ----------
    folder : one that exists.
    isotherms_c : of the surfaces; those of the plan's report by default.
    times_s : times of snapshots.
    formats : one or more of "stl", "ply", "vtp".
    image_grid : the voxels of the fields; by default those of the image that the plan names, and of
        the simulation where the result does not know them.

    Raises
    ------
    InputError
        When there is no snapshot at one of the times, a format is unknown, the grid lies elsewhere
        than the result, or a file cannot be written.
    """
    expect_type("export_result: result", result, Result, "simulate and load_result return one")
    folder = Path(folder)
    unknown = [ending for ending in formats if ending not in SURFACE_ENDINGS]
    if unknown or not formats:
        raise InputError(
            f"format '{', '.join(unknown)}' is unknown; use one or more of "
            f"{', '.join(SURFACE_ENDINGS)}"
        )
    levels = sorted(set(result.plan.report.isotherms_c if isotherms_c is None else isotherms_c))
    if not np.all(np.isfinite(levels)):
        raise InputError(f"isotherms {', '.join(f'{c:g}' for c in levels)} C must be finite")
    moments = dict(_moments(result, times_s))
    grid, notes = _field_grid(result, image_grid)
    files = []
    for name, mesh in _meshes(result, levels[::-1], moments):
        if mesh.n_cells == 0:
            notes.append(f"{name}: there is no such surface in the simulated box")
            continue
        for ending in dict.fromkeys(formats):
            files.append(f"{name}.{ending}")
            write_mesh(mesh, folder / files[-1])
    for name, values, outside in _fields(result, moments):
        on_image = resample_field(result.tissue.grid, values, grid, outside)
        files.append(f"{name}.nii.gz")
        write_field(grid, on_image, folder / files[-1])
    return Exported(tuple(files), tuple(notes))


def _moments(result: Result, times_s: Sequence[float]) -> Iterator[tuple[str, F32]]:
    """Name and field of the coldest-ever temperatures, and of each time."""
    yield "coldest", result.coldest_c
    for time_s in times_s:
        number = result.snapshot_number(time_s)
        yield f"{result.times_s[number] / 60:.4g}min", result.temperatures_c[number]


def _field_grid(result: Result, wanted: Grid | None) -> tuple[Grid, list[str]]:
    """Return the voxels of the fields, and what is to be said about them."""
    grid = result.tissue.image_grid if wanted is None else wanted
    if grid is None:
        return result.tissue.grid, [
            "the result does not say which voxels its image has: the fields are on the simulation's"
        ]
    check_overlap("the image and the result", result.tissue.grid, grid)
    return grid, []


def _meshes(
    result: Result, levels: Sequence[float], moments: dict[str, F32]
) -> Iterator[tuple[str, pyvista.PolyData]]:
    for moment, field_c in moments.items():
        for level in levels:
            yield f"{moment}_{level:g}C", isotherm_mesh(result, field_c, level)
    grid, turn = result.tissue.grid.canonical()
    names: list[str] = []
    for structure, share in result.tissue.structures.items():
        name = re.sub(r"[^\w-]", "_", structure)
        names.append(f"{name}_{len(names)}" if name in names else name)
        yield names[-1], structure_mesh(grid, turn.apply(share))
    plan = result.plan
    kinds = [(f"probe-{number}", probe) for number, probe in enumerate(plan.probe)]
    needles = [*kinds, *((f"warmer-{number}", one) for number, one in enumerate(plan.warmer))]
    for name, needle in needles:
        for part, mesh in zip(("active", "shaft"), needle_meshes(grid, needle), strict=True):
            yield f"{name}-{part}", mesh


def _fields(result: Result, moments: dict[str, F32]) -> Iterator[tuple[str, F32, float]]:
    """Name, values and what is outside the box."""
    body_c = result.plan.body.temperature_c
    for moment, field_c in moments.items():
        name = "coldest_c" if moment == "coldest" else f"temperature_{moment}_c"
        yield name, field_c, body_c
    killed = kill_probability(result)
    killed[result.tissue.is_gas] = 0.0
    yield "kill_probability", killed, 0.0
