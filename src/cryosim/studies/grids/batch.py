"""Benchmark a plan on several grids; what is finished already is not run again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...plan import Plan
from ...simulation import Settings
from .case import Case, plan_cases
from .case_folder import CaseFolder
from .grid_errors import GridErrors, Reference, check_reference, compare, read_reference
from .machine import Machine, describe_machine, measure_bandwidth_gb_s
from .processes import Finished, Progress, run_cases
from .record import Record

__all__ = ["DEFAULT_SPACINGS_MM", "Batch", "BatchCallback", "Refusal", "benchmark"]

DEFAULT_SPACINGS_MM = (4.0, 3.0, 2.0, 1.5, 1.0)


class BatchCallback:
    """Hooks that `benchmark` calls; each does nothing unless overridden."""

    def on_start(self, missing_mm: Sequence[float], finished_mm: Sequence[float]) -> None:
        """These spacings will be run; those were finished by an earlier batch."""

    def on_progress(self, spacing_mm: float, share: float) -> None:
        """A case has simulated this share of its protocol."""

    def on_case(self, spacing_mm: float) -> None:
        """A case is over, finished or refused."""


@dataclass(frozen=True)
class Refusal:
    """A case that cannot be run, and why, in one sentence."""

    spacing_mm: float
    reason: str


@dataclass(frozen=True, eq=False)
class Batch:
    """One plan on several grids.

    Attributes
    ----------
    plan, settings : what was run; the plan's own spacing plays no part.
    plan_key : hash of the plan and the files that it names.
    records : the finished cases, coarsest first.
    refused : the others, with reasons.
    comparison : errors; None for a single grid without a reference.
    machine, bandwidth_gb_s : where this batch was put together.
    warnings : what to keep in mind when comparing.
    """

    plan: Plan
    settings: Settings
    plan_key: str
    records: tuple[Record, ...]
    refused: tuple[Refusal, ...]
    comparison: GridErrors | None
    machine: Machine
    bandwidth_gb_s: float
    warnings: tuple[str, ...]


def benchmark(
    plan: Plan,
    folder: str | Path,
    spacings_mm: Iterable[float] = DEFAULT_SPACINGS_MM,
    *,
    reference: str | Path | None = None,
    jobs: int = 1,
    settings: Settings | None = None,
    callbacks: Sequence[BatchCallback] = (),
) -> Batch:
    """Simulate a plan on grids of several spacings and take time, memory and volumes.

    Every case runs in a process of its own. Finished ones are kept in `folder`/cases at once, and
    are not run again as long as plan, images, spacing, settings and program stay the same.

    Parameters
    ----------
    plan : its `grid.spacing_mm` plays no part.
    folder : made when missing; must not hold a benchmark of another plan.
    spacings_mm : edges of the voxels, in any order.
    reference : JSON file with a timeline to compare with; by default the finest grid is.
    jobs : cases side by side, each with its share of the threads. They share the memory's
        bandwidth, so that times to be compared are best taken with 1.
    settings : how to compute.
    callbacks : watchers, called as the batch goes on.

    Raises
    ------
    InputError
        For bad input; when no case can be run, with the reason of the first.
    """
    settings = settings or Settings()
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: use 1 or more")
    given = None if reference is None else read_reference(reference)
    if given is not None:
        check_reference(given, plan, settings)
    cases = plan_cases(plan, tuple(spacings_mm), settings)
    kept = CaseFolder(Path(folder), cases[0].plan_key)
    bandwidth = measure_bandwidth_gb_s()
    try:
        records, refused = _complete(cases, kept, jobs, callbacks)
    finally:
        kept.remove_if_empty()
    if not records:
        raise InputError(refused[0].reason)
    comparison = _compare(records, given)
    return Batch(
        plan=plan,
        settings=settings,
        plan_key=cases[0].plan_key,
        records=records,
        refused=refused,
        comparison=comparison,
        machine=describe_machine(),
        bandwidth_gb_s=bandwidth,
        warnings=_warnings(records, comparison),
    )


def _complete(
    cases: Sequence[Case], kept: CaseFolder, jobs: int, callbacks: Sequence[BatchCallback]
) -> tuple[tuple[Record, ...], tuple[Refusal, ...]]:
    """Run the cases that are missing; return the records of all, and what was refused."""
    found = {case.spacing_mm: kept.find(case) for case in cases}
    records = {spacing: record for spacing, record in found.items() if record is not None}
    missing = [case for case in cases if case.spacing_mm not in records]
    refused = []
    for callback in callbacks:
        callback.on_start([case.spacing_mm for case in missing], list(records))
    jobs = min(jobs, len(missing))
    if jobs > 1:
        # Long ones first, so that no core idles at the end; alone, first what is soon there.
        missing.reverse()
    with contextlib.closing(run_cases(missing, jobs)) as messages:
        for message in messages:
            spacing = message.case.spacing_mm
            if isinstance(message, Progress):
                for callback in callbacks:
                    callback.on_progress(spacing, message.share)
                continue
            if isinstance(message, Finished):
                kept.keep(message.case, message.record)
                records[spacing] = message.record
            else:
                refused.append(Refusal(spacing, message.reason))
            for callback in callbacks:
                callback.on_case(spacing)
    order = [case.spacing_mm for case in cases]
    return (
        tuple(records[spacing] for spacing in order if spacing in records),
        tuple(sorted(refused, key=lambda refusal: order.index(refusal.spacing_mm))),
    )


def _compare(records: Sequence[Record], given: Reference | None) -> GridErrors | None:
    if given is not None:
        return compare(records, given)
    finest = records[-1]
    if len(records) == 1:
        return None
    name = f"the {finest.spacing_mm:g} mm grid"
    return compare(records, Reference(name, finest.timeline, finest.spacing_mm))


def _warnings(records: Sequence[Record], comparison: GridErrors | None) -> tuple[str, ...]:
    found = []
    for words, differ in (
        ("different machines or versions", {record.machine for record in records}),
        ("different numbers of threads or jobs", {(r.threads, r.jobs) for r in records}),
    ):
        if len(differ) > 1:
            found.append(f"the cases ran on {words}: their times cannot be compared")
    if any(record.jobs > 1 for record in records):
        found.append(
            "cases ran side by side and slowed each other down; for times use --jobs 1 and another "
            "folder"
        )
    if comparison is not None and comparison.missing_times_s:
        times = ", ".join(f"{time_s:g}" for time_s in comparison.missing_times_s)
        found.append(
            f"not compared with {comparison.reference.name} at {times} s, which the plan's "
            "timeline lacks; see report.times_s"
        )
    return tuple(found)
