"""A case: one plan on one grid, with the key under which its record is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import InputError
from ...plan import Plan, plan_from_dict
from ...results import digest, input_fingerprints, program_fingerprint
from ...simulation import Settings
from .record import FORMAT

__all__ = ["Case", "plan_cases"]


@dataclass(frozen=True, eq=False)
class Case:
    """One simulation of a batch.

    Attributes
    ----------
    spacing_mm : edge of a voxel.
    content : the plan with this spacing, in the plan file's keys. folder : where its paths start.
    settings : how to compute.
    plan_key : hash of the plan without its spacing, and of the files that it names.
    key : hash of all of that with the spacing, the settings and the program.
    """

    spacing_mm: float
    content: dict[str, Any]
    folder: Path
    settings: Settings
    plan_key: str
    key: str

    def document(self) -> dict[str, Any]:
        """Return what the case's own process needs to know, as JSON values."""
        return {
            "spacing_mm": self.spacing_mm,
            "plan": self.content,
            "folder": str(self.folder.resolve()),
            "settings": dataclasses.asdict(self.settings),
        }


def plan_cases(plan: Plan, spacings_mm: Sequence[float], settings: Settings) -> tuple[Case, ...]:
    """Make the cases of a batch, coarsest first, each spacing once.

    Raises
    ------
    InputError
        When there is no spacing, one cannot be used, or a file of the plan cannot be read.
    """
    if not spacings_mm:
        raise InputError("spacing_mm: the list is empty; give at least one, for example 4,3,2")
    content = plan.model_dump(mode="json", exclude_none=True)
    grid = {key: value for key, value in content["grid"].items() if key != "spacing_mm"}
    plan_key = digest({"plan": {**content, "grid": grid}, "files": input_fingerprints(plan)})
    program = [FORMAT, __version__, program_fingerprint()]
    cases = []
    for spacing in sorted({float(spacing) for spacing in spacings_mm}, reverse=True):
        on_grid = {**content, "grid": {**grid, "spacing_mm": spacing}}
        plan_from_dict(on_grid, plan.folder, "benchmark")
        key = digest([plan_key, spacing, dataclasses.asdict(settings), program])
        cases.append(Case(spacing, on_grid, plan.folder, settings, plan_key, key))
    return tuple(cases)
