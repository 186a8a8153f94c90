"""A batch as tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..evaluation import DISCLAIMER
from ..studies import Batch, GridErrors

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["print_batch"]


def print_batch(batch: Batch, console: Console) -> None:
    """Print cost and errors of each grid, and what to keep in mind."""
    machine = batch.machine
    console.print(
        f"{machine.processor}, {machine.cores} cores, {machine.memory_bytes / 1e9:.0f} GB, "
        f"{batch.bandwidth_gb_s:.0f} GB/s; Python {machine.python}, NumPy {machine.numpy}, "
        f"Numba {machine.numba}",
        highlight=False,
        markup=False,
    )
    console.print(_cost_table(batch))
    console.print(_memory_table(batch))
    if batch.comparison is not None:
        console.print(_error_table(batch.comparison))
    for refusal in batch.refused:
        console.print(
            f"not run: {refusal.spacing_mm:g} mm: {refusal.reason}", highlight=False, markup=False
        )
    for warning in batch.warnings:
        console.print(f"warning: {warning}", highlight=False, markup=False)
    console.print(f"[dim]{DISCLAIMER}[/dim]", highlight=False)


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _cost_table(batch: Batch) -> Table:
    table = _table(
        "Time", "spacing", "voxels", "simulating", "compiling", "steps", "stages", "updates"
    )
    for record in batch.records:
        cost = record.performance
        table.add_row(
            f"{record.spacing_mm:g} mm",
            f"{cost.cells:,}",
            _seconds(cost.wall_s),
            _seconds(cost.compile_s),
            f"{cost.steps:,}",
            f"{cost.stages:,}",
            f"{record.cell_updates_per_s / 1e6:,.0f} M/s",
        )
    return table


def _memory_table(batch: Batch) -> Table:
    table = _table("Memory", "spacing", "predicted", "peak", "before", "simulation")
    for record in batch.records:
        memory = record.memory
        parts = (memory.predicted, memory.peak, memory.baseline, memory.of_the_run)
        table.add_row(f"{record.spacing_mm:g} mm", *[f"{part / 1e6:,.0f} MB" for part in parts])
    return table


def _error_table(comparison: GridErrors) -> Table:
    """Largest errors by isotherm, and when."""
    columns = [f"{level:g} C" for level in comparison.isotherms_c]
    title = f"Largest error of the isotherm volumes against {comparison.reference.name}"
    table = _table(title, "spacing", *columns)
    for spacing in comparison.errors:
        found = [comparison.largest(spacing, level) for level in comparison.isotherms_c]
        table.add_row(
            f"{spacing:g} mm",
            *["none" if e is None else f"{e.percent:+.1f} % at {_minutes(e.t_s)}" for e in found],
        )
    return table


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:,.0f} s"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} min"
