"""The report as JSON: report.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import expect_type
from ..evaluation import DISCLAIMER, Report, timeline_document
from ..files import replacing
from ..simulation import Course, Result

__all__ = ["report_document", "write_report"]


def report_document(report: Report, result: Result) -> dict[str, Any]:
    """Return the content of report.json; isotherms are keys such as "-40"."""
    energy = dataclasses.asdict(result.energy)
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "plan": result.plan.model_dump(mode="json", exclude_none=True),
        "goals": [_plain(goal) for goal in report.goals],
        "passed": report.passed,
        "varied": [dataclasses.asdict(one) for one in result.varied],
        "ranges_unseen": report.ranges_unseen,
        "target": _plain(report.target),
        "kill": [_plain(rule) for rule in report.kill],
        "organs_at_risk": [_plain(organ) for organ in report.organs_at_risk],
        "sensors": [_plain(sensor) for sensor in report.sensors],
        "needles": [_plain(needle) for needle in report.needles],
        "timeline": timeline_document(report.timeline),
        "ended_early": list(result.ended_early),
        "course": None if result.course is None else _course(result.course),
        "energy": {**energy, "relative_error": result.energy.relative_error},
        "performance": dataclasses.asdict(result.performance),
        "grid": {
            "shape_kji": list(result.tissue.grid.shape),
            "spacing_mm": [round(float(step), 6) for step in result.tissue.grid.spacing_mm],
            "affine_lps": result.tissue.grid.affine.tolist(),
        },
        "probe_flux_ratio": list(result.flux_ratio),
        "warnings": list(report.warnings),
        "assumptions": list(report.assumptions),
        "sources": list(report.sources),
    }


def write_report(report: Report, result: Result, path: str | Path) -> None:
    """Write report.json."""
    expect_type("write_report: report", report, Report, "evaluate returns one")
    expect_type("write_report: result", result, Result, "simulate returns one")
    text = json.dumps(report_document(report, result), indent=2, allow_nan=False)
    with replacing(path, "report") as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Turn dataclasses into JSON values; temperatures as keys become text."""
    if value is None:
        return None
    found = dataclasses.asdict(value)
    return _text_keys(found)


def _course(course: Course) -> dict[str, Any]:
    """Round to what is known; a margin that has no end is null."""
    found: dict[str, Any] = _text_keys(
        {
            "times_s": _rounded(course.times_s, 1),
            "volume_ml": {level: _rounded(ml, 3) for level, ml in course.volume_ml.items()},
            "healthy_ml": _rounded(course.healthy_ml, 3),
            "coverage": {level: _rounded(share, 5) for level, share in course.coverage.items()},
            "margin_mm": {level: _rounded(mm, 2) for level, mm in course.margin_mm.items()},
            "organs_c": {name: _rounded(low, 2) for name, low in course.organs_c.items()},
        }
    )
    return found


def _rounded(values: NDArray[np.float64], digits: int) -> list[float | None]:
    return [round(value, digits) if np.isfinite(value) else None for value in values.tolist()]


def _text_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key if isinstance(key, str) else f"{key:g}": _text_keys(item)
            for key, item in value.items()
        }
    return value
