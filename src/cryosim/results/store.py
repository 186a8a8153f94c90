"""Result files: temporal VTKHDF, which ParaView and PyVista open, with everything else beside it.

`/VTKHDF` is an ImageData with one step a snapshot (VTKHDF 2.3, described at
https://docs.vtk.org/en/latest/vtk_file_formats/vtkhdf_file_format/index.html); readers ignore the
group `/cryosim`, which holds the plan, the tissues and the bookkeeping as JSON.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import InputError, expect_type
from ..evaluation import kill_probability
from ..files import replacing
from ..geometry import Grid, read_only
from ..images import Modality
from ..plan import plan_from_dict
from ..simulation import Course, Curves, EnergyLedger, Performance, Result, Varied
from ..tissue import Tissue, TissueGrid

if TYPE_CHECKING:
    import h5py

__all__ = ["FORMAT_VERSION", "load_result", "save_result"]

FORMAT_VERSION = "2.4"

_OPTIONAL = ("image", "start_c", "film_w_m2k")
_MASKS = ("heat_sink", "outside_air", "held")
_DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError)

_CT_HOLDS_VALUES_BELOW = -300.0  # air; MR has no such values

Array = NDArray[Any]
F32 = NDArray[np.float32]


def save_result(result: Result, path: str | Path) -> None:
    """Write a result; a file of that name is replaced only once the new one is complete.

    Raises
    ------
    InputError
        When the folder cannot be written to.
    """
    expect_type("save_result: result", result, Result, "simulate returns one")
    with replacing(path, "result") as partial:
        _write(result, partial)


def load_result(path: str | Path) -> Result:
    """Read a result that `save_result` wrote.

    Snapshots and exposure are read from the file when they are asked for; it stays open as long as
    the result lives.

    Raises
    ------
    InputError
        When the file is missing, damaged, not a result, or of a newer format.
    """
    expect_type("load_result: path", path, (str, Path))
    import h5py

    path = Path(path)
    if not path.is_file():
        raise InputError(f"result {path}: there is no such file; run the plan first")
    try:
        file = h5py.File(path)
        if "cryosim" not in file or "VTKHDF" not in file:
            raise InputError(f"result {path}: was not written by cryosim")
        _check_version(path, str(file["cryosim"].attrs["format_version"]))
        return _read(file)
    except InputError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from None


def _damaged(path: str | Path, error: Exception) -> InputError:
    return InputError(f"result {path}: damaged or not a result file ({error})")


def _check_version(path: Path, version: str) -> None:
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise InputError(
            f"result {path}: format {version} cannot be read by this version, which knows "
            f"{FORMAT_VERSION}; use the cryosim that wrote it"
        )


def _write(result: Result, path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        _write_image(file.create_group("VTKHDF", track_order=True), result)
        extra = file.create_group("cryosim")
        extra.attrs["format_version"] = FORMAT_VERSION
        extra.attrs["program_version"] = __version__
        extra.attrs["written"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        extra.attrs["affine_lps"] = result.tissue.grid.affine
        for name, content in _documents(result).items():
            extra.create_dataset(name, data=json.dumps(content))


def _write_image(group: h5py.Group, result: Result) -> None:
    grid = result.tissue.grid
    k, j, i = grid.shape
    group.attrs["Version"] = np.array([2, 3], dtype=np.int64)
    group.attrs.create("Type", b"ImageData", dtype="S9")
    group.attrs["WholeExtent"] = np.array([0, i - 1, 0, j - 1, 0, k - 1], dtype=np.int64)
    group.attrs["Origin"] = grid.origin_mm
    group.attrs["Spacing"] = grid.spacing_mm
    group.attrs["Direction"] = grid.direction.ravel()
    points = group.create_group("PointData")
    points.attrs.create("Scalars", b"temperature_c", dtype="S13")
    steps = group.create_group("Steps")
    count = len(result.times_s)
    steps.attrs["NSteps"] = np.int64(count)
    steps.create_dataset("Values", data=np.array(result.times_s))
    offsets = steps.create_group("PointDataOffsets")
    moving = points.create_dataset(
        "temperature_c", (count, *grid.shape), np.float32, **_packing(grid.shape)
    )
    for step, field in enumerate(result.temperatures_c):
        moving[step] = field
    offsets.create_dataset("temperature_c", data=np.arange(count, dtype=np.int64))
    for name, values in _fields(result).items():
        points.create_dataset(name, data=values[None], **_packing(grid.shape))
        offsets.create_dataset(name, data=np.zeros(count, dtype=np.int64))


def _packing(shape: tuple[int, int, int]) -> dict[str, Any]:
    """Of the filters that VTK reads, gzip with shuffle packs temperature fields best."""
    chunks = (1, min(16, shape[0]), shape[1], shape[2])
    return {"chunks": chunks, "compression": "gzip", "compression_opts": 4, "shuffle": True}


def _fields(result: Result) -> dict[str, Array]:
    """Fields that do not change over time, by their name in the file."""
    tissue = result.tissue
    fields: dict[str, Array] = {
        "coldest_c": result.coldest_c,
        "cooling_rate_k_min": result.cooling_rate_k_min,
        "thawing_rate_k_min": result.thawing_rate_k_min,
        "tissue": tissue.index,
        "probe_share": result.probe_share,
        # For viewers; a loaded result finds it again from the others.
        "kill_probability": kill_probability(result),
    }
    fields.update({_exposure_field(c): seconds for c, seconds in result.time_below_s.items()})
    fields.update({_freezes_field(c): count for c, count in result.freezes_below.items()})
    fields.update(
        {
            _structure_field(n, name): share
            for n, (name, share) in enumerate(tissue.structures.items())
        }
    )
    for name in _OPTIONAL:
        if getattr(tissue, name) is not None:
            fields[name] = getattr(tissue, name)
    for name in _MASKS:
        mask = getattr(tissue, name)
        if mask is not None:
            fields[name] = mask.astype(np.uint8)
    return fields


def _exposure_field(threshold_c: float) -> str:
    return f"seconds_below_{threshold_c:.12g}C"


def _freezes_field(threshold_c: float) -> str:
    return f"freezes_below_{threshold_c:.12g}C"


def _structure_field(number: int, name: str) -> str:
    """A name that every reader takes, and that no two structures share."""
    return f"structure_{number}_{re.sub('[^A-Za-z0-9_-]', '_', name)}"


def _documents(result: Result) -> dict[str, Any]:
    """Everything that is not a field, as JSON values."""
    return {
        "plan": result.plan.model_dump(mode="json", exclude_none=True),
        "tissues": [
            {**_shallow(tissue), "sources": dict(tissue.sources), "ranges": dict(tissue.ranges)}
            for tissue in result.tissue.tissues
        ],
        "structures": list(result.tissue.structures),
        "thresholds_c": list(result.thresholds_c),
        "curves": {
            "times_s": result.curves.times_s.tolist(),
            "sensors_c": {name: c.tolist() for name, c in result.curves.sensors_c.items()},
            "needle_power_w": result.curves.needle_power_w.tolist(),
            "needle_surface_c": _none_for_nan(result.curves.needle_surface_c),
        },
        "ended_early": list(result.ended_early),
        "course": None if result.course is None else _course_document(result.course),
        "varied": [{**_shallow(one), "goals": dict(one.goals)} for one in result.varied],
        "energy": _shallow(result.energy),
        "performance": _shallow(result.performance),
        "flux_ratio": list(result.flux_ratio),
        "assumptions": list(result.assumptions),
        "image_grid": _grid_document(result.tissue.image_grid),
        "modality": result.tissue.modality,
        "tissue_assumptions": list(result.tissue.assumptions),
        "warnings": list(result.tissue.warnings),
    }


def _grid_document(grid: Grid | None) -> dict[str, Any] | None:
    if grid is None:
        return None
    return {"shape_kji": list(grid.shape), "affine_lps": grid.affine.tolist()}


def _read_grid(content: dict[str, Any] | None) -> Grid | None:
    return None if content is None else Grid(content["shape_kji"], content["affine_lps"])


def _modality(documents: dict[str, Any], points: h5py.Group) -> Modality | None:
    """Return what the image is; files before format 2.2 only show it."""
    if "modality" in documents or "image" not in points:
        found: Modality | None = documents.get("modality")
        return found
    anatomy = documents["plan"]["anatomy"]
    if "modality" in anatomy or "phantom" in anatomy:
        return "mr" if anatomy.get("modality") == "mr" else "ct"
    return "ct" if points["image"][0].min() < _CT_HOLDS_VALUES_BELOW else "mr"


def _shallow(item: Any) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}


def _read(file: h5py.File) -> Result:
    documents = {name: json.loads(item.asstr()[()]) for name, item in file["cryosim"].items()}
    points = file["VTKHDF/PointData"]

    def field(name: str) -> Array:
        return read_only(points[name][0])

    structures = {
        name: field(_structure_field(n, name)) for n, name in enumerate(documents["structures"])
    }
    first = points["temperature_c"]
    grid = Grid(tuple(first.shape[1:]), file["cryosim"].attrs["affine_lps"])
    tissue = TissueGrid(
        grid=grid,
        index=field("tissue"),
        tissues=tuple(Tissue(**row) for row in documents["tissues"]),
        structures=structures,
        **_present(points, field),
        modality=_modality(documents, points),
        # Files of format 2.0 do not say it.
        image_grid=_read_grid(documents.get("image_grid")),
        assumptions=tuple(documents["tissue_assumptions"]),
        warnings=tuple(documents["warnings"]),
    )
    thresholds = documents["thresholds_c"]
    return Result(
        tissue=tissue,
        plan=plan_from_dict(documents["plan"], Path(), "the plan in the result"),
        times_s=tuple(float(value) for value in file["VTKHDF/Steps/Values"][()]),
        temperatures_c=_Snapshots(first),
        coldest_c=field("coldest_c"),
        time_below_s=_ByThreshold({c: points[_exposure_field(c)] for c in thresholds}),
        freezes_below=_ByThreshold({c: points[_freezes_field(c)] for c in thresholds}),
        cooling_rate_k_min=field("cooling_rate_k_min"),
        thawing_rate_k_min=field("thawing_rate_k_min"),
        probe_share=field("probe_share"),
        flux_ratio=tuple(documents["flux_ratio"]),
        curves=_curves(documents["curves"]),
        energy=EnergyLedger(**documents["energy"]),
        performance=Performance(**documents["performance"]),
        assumptions=tuple(documents["assumptions"]),
        # Files before format 2.3 have none.
        course=_course(documents.get("course")),
        ended_early=tuple(documents.get("ended_early", ())),
        # Files before format 2.4 have none.
        varied=tuple(Varied(**row) for row in documents.get("varied", ())),
    )


class _ByThreshold(Mapping[float, Array]):
    """Fields that are read when asked for, and then kept."""

    def __init__(self, fields: dict[float, h5py.Dataset]) -> None:
        self._fields = fields
        self._found: dict[float, Array] = {}

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[float]:
        return iter(self._fields)

    def __getitem__(self, threshold_c: float) -> Array:
        if threshold_c not in self._found:
            self._found[threshold_c] = _read_late(self._fields[threshold_c], 0)
        return self._found[threshold_c]


class _Snapshots(Sequence[F32]):
    """Fields that are read when asked for; only the last one is kept."""

    def __init__(self, steps: h5py.Dataset) -> None:
        self._steps = steps
        self._last: tuple[int, F32] | None = None

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, at: int) -> F32: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[F32, ...]: ...
    def __getitem__(self, at: int | slice) -> F32 | tuple[F32, ...]:
        if isinstance(at, slice):
            return tuple(self[step] for step in range(*at.indices(len(self))))
        step = range(len(self))[at]
        if self._last is None or self._last[0] != step:
            self._last = step, _read_late(self._steps, step)
        return self._last[1]


def _read_late(fields: h5py.Dataset, step: int) -> Array:
    """Read a field of a file that was found in order when it was opened."""
    try:
        return read_only(fields[step])
    except _DAMAGE as error:
        raise _damaged(fields.file.filename, error) from None


def _present(points: h5py.Group, field: Callable[[str], Array]) -> dict[str, Any]:
    """Read what a tissue grid may have and may not."""
    masks = {name: field(name).astype(np.bool_) for name in _MASKS if name in points}
    return {**masks, **{name: field(name) for name in _OPTIONAL if name in points}}


def _curves(content: dict[str, Any]) -> Curves:
    return Curves(
        times_s=np.array(content["times_s"]),
        sensors_c={name: np.array(values) for name, values in content["sensors_c"].items()},
        needle_power_w=np.array(content["needle_power_w"]),
        needle_surface_c=np.array(content["needle_surface_c"], dtype=float),
    )


def _course_document(course: Course) -> dict[str, Any]:
    """JSON knows no infinity: a margin that has no end is null."""
    return {
        "times_s": course.times_s.tolist(),
        "healthy_ml": course.healthy_ml.tolist(),
        **{
            name: [[key, values.tolist()] for key, values in getattr(course, name).items()]
            for name in ("volume_ml", "coverage", "organs_c")
        },
        "margin_mm": [
            [level, [value if np.isfinite(value) else None for value in values.tolist()]]
            for level, values in course.margin_mm.items()
        ],
    }


def _course(content: dict[str, Any] | None) -> Course | None:
    if content is None:
        return None

    def of(name: str) -> dict[Any, Array]:
        rows = {key: np.array(values, dtype=float) for key, values in content[name]}
        return {key: np.where(np.isnan(row), np.inf, row) for key, row in rows.items()}

    return Course(
        times_s=np.array(content["times_s"]),
        volume_ml=of("volume_ml"),
        healthy_ml=np.array(content["healthy_ml"]),
        coverage=of("coverage"),
        margin_mm=of("margin_mm"),
        organs_c=of("organs_c"),
    )


def _none_for_nan(values: Array) -> list[list[float | None]]:
    """JSON knows no NaN."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]
