"""Bars that show how far simulations are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from ..simulation import Callback
    from ..studies import BatchCallback
    from ..tasks import EvaluationCallback

__all__ = ["batch_progress", "run_progress", "search_progress"]

_USUAL_SIMULATIONS = 45  # of a search


@contextmanager
def run_progress(console: Console, minutes: float, doing: str = "simulating") -> Iterator[Callback]:
    """Show a bar that follows the simulated time; anew for each of several runs."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ..simulation import Callback

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:.0f} min"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("preparing", total=minutes)

        class Bar(Callback):
            def on_compile(self) -> None:
                bar.update(task, description="compiling (once)")

            def on_start(self, duration_s: float) -> None:
                bar.update(task, description=doing, total=duration_s / 60)

            def on_progress(self, time_s: float) -> None:
                bar.update(task, completed=time_s / 60)

        yield Bar()


@contextmanager
def search_progress(console: Console) -> Iterator[tuple[EvaluationCallback, Callback]]:
    """Show how many candidates were simulated, the best so far and the time left.

    How many there will be is a guess until the search is over: most need no more.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ..simulation import Callback
    from ..tasks import EvaluationCallback

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("searching", total=_USUAL_SIMULATIONS, told="")
        done, best = 0, (float("inf"), float("inf"), "")

        class Searching(EvaluationCallback):
            def on_warnings(self, warnings: Sequence[str]) -> None:
                for warning in warnings:
                    console.print(f"warning: {warning}", highlight=False, markup=False)

            def on_evaluated(self, outcome: dict[str, Any], done_: int, asked: int) -> None:  # noqa: ARG002
                nonlocal done, best
                done += 1
                if "goals" in outcome:
                    best = min(best, _standing(outcome))
                told = "; ".join(filter(None, (f"{done} simulated", best[2])))
                bar.update(task, told=told, completed=done, total=max(_USUAL_SIMULATIONS, done + 5))

            def on_death(self, deaths: int) -> None:  # noqa: ARG002
                console.print("a worker died; what it had under way is simulated again")

        class Last(Callback):
            def on_start(self, duration_s: float) -> None:
                bar.reset(task, description="best plan", total=duration_s)

            def on_progress(self, time_s: float) -> None:
                bar.update(task, completed=time_s)

            def on_end(self) -> None:
                bar.update(task, description="judging it")

        yield Searching(), Last()


def _standing(outcome: dict[str, Any]) -> tuple[float, float, str]:
    """What a candidate misses, its healthy ice in ml, and both in words; the smaller the better."""
    from ..planning import missing_of

    missing, healthy_ml = missing_of(outcome["goals"], {}), outcome["healthy_frozen_ml"]
    total = sum(missing.values())
    if total == 0.0:
        return total, healthy_ml, f"best: all goals met, {healthy_ml:.0f} ml healthy ice"
    *_, called = outcome["goals"][max(missing, key=lambda name: missing[name])]
    return total, healthy_ml, f"best misses {called}"


@contextmanager
def batch_progress(console: Console) -> Iterator[BatchCallback]:
    """Show a bar over all grids of a batch, each by the work that it is; only on a terminal."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from ..studies import BatchCallback

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting")
        work: dict[float, float] = {}
        done: dict[float, float] = {}

        class Bar(BatchCallback):
            def on_start(self, missing_mm: Sequence[float], finished_mm: Sequence[float]) -> None:
                if finished_mm:
                    names = ", ".join(f"{spacing:g}" for spacing in finished_mm)
                    console.print(
                        f"finished before: {names} mm; {len(missing_mm)} to run", highlight=False
                    )
                # Voxels and stages.
                work.update({spacing: spacing**-4 for spacing in missing_mm})
                bar.update(task, total=sum(work.values()))

            def on_progress(self, spacing_mm: float, share: float) -> None:
                done[spacing_mm] = share
                running = ", ".join(f"{s:g}" for s, done_share in done.items() if done_share < 1)
                completed = sum(share * work[spacing] for spacing, share in done.items())
                bar.update(task, description=f"simulating at {running} mm", completed=completed)

            def on_case(self, spacing_mm: float) -> None:
                self.on_progress(spacing_mm, 1.0)

        yield Bar()
