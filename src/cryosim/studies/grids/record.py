"""What a finished case leaves behind, and its JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...evaluation import TimelineRow, timeline_document
from ...simulation import Performance
from .machine import Machine

__all__ = ["FORMAT", "MemoryUse", "Record", "parse_timeline"]

FORMAT = 1  # of a case's file; older ones are run again


@dataclass(frozen=True)
class MemoryUse:
    """Memory of a case's process, in bytes.

    Attributes
    ----------
    predicted : peak, as said before the run.
    baseline : with interpreter, libraries, kernels and tissue loaded, before the state is built.
    peak : the most from then on.
    """

    predicted: int
    baseline: int
    peak: int

    @property
    def of_the_run(self) -> int:
        """What the simulation itself took."""
        return self.peak - self.baseline


@dataclass(frozen=True)
class Record:
    """One finished case.

    Attributes
    ----------
    spacing_mm : as asked. voxel_mm : along x, y, z of the grid, which may stretch it to fill a box.
    threads : of the kernels. jobs : cases that ran side by side; they share the memory's bandwidth.
    performance : of `simulate`, but `compile_s` is compiling or loading kernels before it.
    timeline : isotherm volumes over time.
    """

    spacing_mm: float
    voxel_mm: tuple[float, ...]
    threads: int
    jobs: int
    performance: Performance
    memory: MemoryUse
    timeline: tuple[TimelineRow, ...]
    machine: Machine

    @property
    def cell_updates_per_s(self) -> float:
        """Voxels times stages in a second of stepping."""
        return self.performance.cell_updates / self.performance.wall_s

    def document(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        plain = dataclasses.asdict(dataclasses.replace(self, timeline=()))
        return {**plain, "timeline": timeline_document(self.timeline)}

    @classmethod
    def from_document(cls, content: Mapping[str, Any]) -> Record:
        """Read a record back; raises KeyError, TypeError or ValueError when it is none."""
        return cls(
            spacing_mm=float(content["spacing_mm"]),
            voxel_mm=tuple(content["voxel_mm"]),
            threads=int(content["threads"]),
            jobs=int(content["jobs"]),
            performance=Performance(**content["performance"]),
            memory=MemoryUse(**content["memory"]),
            timeline=parse_timeline(content["timeline"]),
            machine=Machine(**content["machine"]),
        )


def parse_timeline(rows: Any) -> tuple[TimelineRow, ...]:
    """Read the timeline of a report, a case or a reference solution.

    Raises KeyError, TypeError, AttributeError or ValueError when it is none.
    """
    return tuple(
        TimelineRow(
            float(row["t_s"]),
            {float(key): float(cell["volume_ml"]) for key, cell in row.items() if key != "t_s"},
        )
        for row in rows
    )
