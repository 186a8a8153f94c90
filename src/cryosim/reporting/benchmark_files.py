"""A batch as files: benchmark.json, benchmark.csv and pictures."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evaluation import DISCLAIMER, timeline_document
from ..files import replacing
from ..pictures import draw_error, draw_time
from ..studies import Batch, GridErrors, Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["batch_document", "write_batch"]

_DOTS_PER_INCH = 150


def write_batch(batch: Batch, folder: str | Path) -> tuple[str, ...]:
    """Write benchmark.json, benchmark.csv, time.png and, where there are errors, error.png.

    Returns
    -------
    The names of the files. An error.png of an earlier batch is removed when there is none now.
    """
    folder = Path(folder)
    files = {
        "benchmark.json": json.dumps(batch_document(batch), indent=2, allow_nan=False).encode()
        + b"\n",
        "benchmark.csv": _csv(batch).encode(),
        "time.png": _png(draw_time(batch)),
    }
    if batch.comparison is not None and any(batch.comparison.errors.values()):
        files["error.png"] = _png(draw_error(batch.comparison))
    else:
        (folder / "error.png").unlink(missing_ok=True)
    for name, content in files.items():
        with replacing(folder / name, "benchmark") as partial:
            partial.write_bytes(content)
    return tuple(files)


def batch_document(batch: Batch) -> dict[str, Any]:
    """Return the content of benchmark.json; isotherms are keys such as "-40"."""
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "plan": batch.plan.model_dump(
            mode="json", exclude_none=True, exclude={"grid": {"spacing_mm"}}
        ),
        "plan_key": batch.plan_key,
        "settings": dataclasses.asdict(batch.settings),
        "machine": {
            **dataclasses.asdict(batch.machine),
            "memory_bandwidth_gb_s": round(batch.bandwidth_gb_s, 1),
        },
        "reference": _reference(batch.comparison),
        "cases": [_case(record, batch.comparison) for record in batch.records],
        "refused": [dataclasses.asdict(refusal) for refusal in batch.refused],
        "warnings": list(batch.warnings),
    }


def _reference(comparison: GridErrors | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "name": comparison.reference.name,
        "spacing_mm": comparison.reference.spacing_mm,
        "times_s": list(comparison.times_s),
        "isotherms_c": list(comparison.isotherms_c),
        "timeline": timeline_document(comparison.reference.timeline),
    }


def _case(record: Record, comparison: GridErrors | None) -> dict[str, Any]:
    document = record.document()
    document["cell_updates_per_s"] = record.cell_updates_per_s
    errors = comparison.errors.get(record.spacing_mm, ()) if comparison is not None else ()
    percent = {(error.t_s, error.isotherm_c): error.percent for error in errors}
    for row, volumes in zip(document["timeline"], record.timeline, strict=True):
        for level in volumes.volume_ml:
            row[f"{level:g}"]["error_percent"] = percent.get((volumes.t_s, level))
    document["largest_error"] = _largest(record, comparison)
    return document


def _largest(record: Record, comparison: GridErrors | None) -> dict[str, Any]:
    """Return the largest error by isotherm, where there is one."""
    if comparison is None:
        return {}
    found = {
        level: comparison.largest(record.spacing_mm, level) for level in comparison.isotherms_c
    }
    return {
        f"{level:g}": {"percent": error.percent, "t_s": error.t_s}
        for level, error in found.items()
        if error is not None
    }


def _csv(batch: Batch) -> str:
    """Return one row a spacing; the volumes over time are in the JSON."""
    levels = [f"{level:g}" for level in batch.records[0].timeline[-1].volume_ml]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = [_row(record, batch.comparison, levels) for record in batch.records]
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def _row(record: Record, comparison: GridErrors | None, levels: list[str]) -> dict[str, Any]:
    cost, errors = record.performance, _largest(record, comparison)
    return {
        "spacing_mm": record.spacing_mm,
        "cells": cost.cells,
        "wall_s": round(cost.wall_s, 4),
        "compile_s": round(cost.compile_s, 4),
        "steps": cost.steps,
        "stages": cost.stages,
        "cell_updates": cost.cell_updates,
        "cell_updates_per_s": round(record.cell_updates_per_s),
        "threads": record.threads,
        "jobs": record.jobs,
        "memory_predicted_bytes": record.memory.predicted,
        "memory_baseline_bytes": record.memory.baseline,
        "memory_peak_bytes": record.memory.peak,
        **{
            f"largest_error_percent_{level}c": round(errors[level]["percent"], 4)
            if level in errors
            else ""
            for level in levels
        },
    }


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DOTS_PER_INCH)
    return content.getvalue()
