"""What accuracy costs: error of isotherms and temperatures against time, by integrator.

Usage: python -m benchmarks.work_precision [--spacing-mm 2] [--threads N] [-o DIR]

One grid, so that only time stepping differs. Writes work_precision.json, work_precision.md and
work_precision.png.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from cryosim import Callback, Result, Settings, simulate
from cryosim.evaluation import timeline

from . import pages
from .scene import Scene
from .yardstick import SWEEP, plain_sweep_s

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COMMAND = "python -m benchmarks.work_precision"
SCENE = Scene(
    spacing_mm=2.0,
    size_mm=64.0,
    fat_beyond_mm=22.0,
    angles_rad=(0.3, 2.4),
    protocol="freeze 5 min; thaw 3 min",
    times_s=(5.0, 15.0, 30.0, 60.0, 120.0, 200.0, 305.0, 315.0, 330.0, 345.0, 400.0),
)
GROWTHS = (0.4, 0.2, 0.1, 0.05, 0.025, 0.0125)
SERIES = ("multirate", "rkl2")
# The reference takes equal steps so long; its own error is told by steps twice as long.
FINEST_STEP_S = 0.05
# Volumes below this are of a few voxels: their relative error says nothing.
LEAST_VOLUME_ML = 0.5
# The best time of so many runs, or of as many as fit into so long.
REPEATS, PATIENCE_S = 3, 10.0

_COLORS = {"multirate": "#1f5a92", "rkl2": "#b5541c", "explicit": "#4f7d3a"}
_MARKERS = {"multirate": "o", "rkl2": "s", "explicit": "^"}


@dataclass(frozen=True)
class Error:
    """How far a run is from the reference.

    Attributes
    ----------
    volume_worst_percent, volume_median_percent : of the isotherm volumes at all times.
    worst_at : where the worst is, time (s) and isotherm (C).
    temperature_mean_k : mean absolute difference over all times, in voxels that freeze.
    """

    volume_worst_percent: float
    volume_median_percent: float
    worst_at: tuple[float, float]
    temperature_mean_k: float


@dataclass(frozen=True)
class Run:
    """A run with its cost and error.

    Attributes
    ----------
    wall_s, processor_s : of stepping, the best of some; all threads count in the latter.
    sweeps : wall time in plain sweeps.
    """

    integrator: str
    growth: float | None
    steps: int
    stages: int
    cell_updates: int
    wall_s: float
    processor_s: float
    sweeps: float
    error: Error


@dataclass(frozen=True)
class Measured:
    """The runs, and what their errors are taken against."""

    cells: int
    compared_volumes: int
    sweep_s: float
    reference_steps: int
    reference_error: Error
    runs: tuple[Run, ...]


class Stopwatch(Callback):
    """Times the stepping."""

    def on_start(self, duration_s: float) -> None:  # noqa: ARG002
        """See `Callback`."""
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def on_end(self) -> None:
        """See `Callback`."""
        self.wall_s = time.perf_counter() - self._wall
        self.processor_s = time.process_time() - self._processor


def main(arguments: list[str] | None = None) -> int:
    """Run the series and write what was found."""
    options = _parse(arguments)
    numba.set_num_threads(options.threads)
    made_with = pages.facts(options.threads)
    scene = dataclasses.replace(SCENE, spacing_mm=options.spacing_mm)
    found = measure(scene)
    record = {"command": COMMAND, "made_with": made_with, **dataclasses.asdict(found)}
    text = page(made_with, scene, found)
    pages.write("work_precision", record, text, draw(found), options.output)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--spacing-mm", type=float, default=SCENE.spacing_mm)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=pages.FOLDER, metavar="DIR")
    return parser.parse_args(arguments)


# Measuring.


def measure(
    scene: Scene,
    growths: Sequence[float] = GROWTHS,
    finest_step_s: float = FINEST_STEP_S,
    repeats: int = REPEATS,
) -> Measured:
    """Run the scene with every setting and compare with the reference."""
    reference = simulate(scene.tissue(), scene.plan(), _equal_steps(finest_step_s))
    coarser = simulate(scene.tissue(), scene.plan(), _equal_steps(2.0 * finest_step_s))
    sweep_s = plain_sweep_s(reference.tissue.grid.shape, 200)
    settings = [
        Settings(integrator=name, growth=growth)  # type: ignore[arg-type]
        for name in SERIES
        for growth in sorted(growths, reverse=True)
    ]
    settings.append(Settings(integrator="explicit"))
    return Measured(
        cells=reference.performance.cells,
        compared_volumes=len(_volumes(reference)),
        sweep_s=sweep_s,
        reference_steps=reference.performance.steps,
        reference_error=compare(coarser, reference),
        runs=tuple(_run(scene, one, reference, sweep_s, repeats) for one in settings),
    )


def _equal_steps(step_s: float) -> Settings:
    return Settings(integrator="rkl2", smallest_step_s=step_s, largest_step_s=step_s)


def _run(scene: Scene, settings: Settings, reference: Result, sweep_s: float, repeats: int) -> Run:
    """Run up to so many times; keep the best time."""
    watches: list[Stopwatch] = []
    while len(watches) < repeats and sum(watch.wall_s for watch in watches) < PATIENCE_S:
        watches.append(Stopwatch())
        result = simulate(scene.tissue(), scene.plan(), settings, [watches[-1]])
    wall_s = min(watch.wall_s for watch in watches)
    return Run(
        integrator=settings.integrator,
        growth=None if settings.integrator == "explicit" else settings.growth,
        steps=result.performance.steps,
        stages=result.performance.stages,
        cell_updates=result.performance.cell_updates,
        wall_s=wall_s,
        processor_s=min(watch.processor_s for watch in watches),
        sweeps=wall_s / sweep_s,
        error=compare(result, reference),
    )


def _volumes(result: Result) -> dict[tuple[float, float], float]:
    """Return the isotherm volumes that are large enough to compare, by time and isotherm."""
    return {
        (row.t_s, level): volume
        for row in timeline(result)
        for level, volume in row.volume_ml.items()
        if volume >= LEAST_VOLUME_ML
    }


def compare(result: Result, reference: Result) -> Error:
    """Return how far a run is from the reference."""
    exact = _volumes(reference)
    found = {(row.t_s, level): volume for row in timeline(result)
             for level, volume in row.volume_ml.items()}  # fmt: skip
    percent = {key: 100.0 * abs(found[key] / volume - 1.0) for key, volume in exact.items()}
    worst_at = max(percent, key=percent.__getitem__)
    freezing = (reference.coldest_c <= 0.0) & (reference.probe_share == 0.0)
    pairs = zip(result.temperatures_c[1:], reference.temperatures_c[1:], strict=True)
    means = [np.abs(one[freezing] - other[freezing]).mean(dtype=float) for one, other in pairs]
    return Error(
        volume_worst_percent=percent[worst_at],
        volume_median_percent=statistics.median(percent.values()),
        worst_at=worst_at,
        temperature_mean_k=float(np.mean(means)),
    )


# The page.


def page(made_with: dict[str, Any], scene: Scene, found: Measured) -> str:
    """Return the page in Markdown."""
    parts = [
        "# What accuracy in time costs",
        f"Written by `{COMMAND}`; the numbers are in [work_precision.json](work_precision.json).",
        _problem(scene, found),
        pages.describe(made_with),
        _table(found),
        _reference_note(found),
        "![error against time](work_precision.png)",
    ]
    return "\n\n".join(parts) + "\n"


def _problem(scene: Scene, found: Measured) -> str:
    levels = scene.plan().report.isotherms_c
    defaults = Settings()
    return (
        f"{len(scene.angles_rad)} probes in a cube of {scene.size_mm:g} mm ({found.cells} voxels "
        f"of {scene.spacing_mm:g} mm, four tissues, `benchmarks/scene.py`): {scene.protocol}. "
        "Steps grow with the time since the last switch; *growth* is their share of it, "
        f"{defaults.growth:g} unless set, from {defaults.smallest_step_s:g} s up to "
        f"{defaults.largest_step_s:g} s. `explicit` takes plain steps at its stability limit.\n\n"
        f"*Volumes* are those at or below {', '.join(f'{level:g}' for level in levels)} C at "
        f"{len(scene.times_s)} times and both stage ends, where they are at least "
        f"{LEAST_VOLUME_ML:g} ml: {found.compared_volumes} of them; their error is relative. "
        "*Temperature* is the mean absolute error over all times, in voxels that freeze. *Time* "
        f"is stepping alone, the best of up to {REPEATS} runs; *processor* is that of all "
        f"threads. A *plain sweep* is {SWEEP}; here it takes "
        f"{pages.digits(1e6 * found.sweep_s)} µs."
    )


def _table(found: Measured) -> str:
    header = ("integrator", "growth", "steps", "stages", "time, s", "processor, s", "plain sweeps",
              "volumes: worst", "at", "median", "temperature, K")  # fmt: skip
    rows = [
        [
            run.integrator,
            "" if run.growth is None else f"{run.growth:g}",
            f"{run.steps}",
            f"{run.stages}",
            pages.digits(run.wall_s),
            pages.digits(run.processor_s),
            pages.digits(run.sweeps),
            *_error_cells(run.error),
        ]
        for run in found.runs
    ]
    return pages.table(header, rows)


def _error_cells(error: Error) -> list[str]:
    time_s, level = error.worst_at
    return [
        f"{pages.digits(error.volume_worst_percent, 2)} %",
        f"{time_s:g} s, {level:g} C",
        f"{pages.digits(error.volume_median_percent, 2)} %",
        pages.digits(error.temperature_mean_k, 2),
    ]


def _reference_note(found: Measured) -> str:
    worst, at, median, temperature = _error_cells(found.reference_error)
    return (
        f"The reference is `rkl2` in {found.reference_steps} equal steps of {FINEST_STEP_S:g} s. "
        f"Steps twice as long change it by {worst} (at {at}), {median} in the median and "
        f"{temperature} K; errors near these are not resolved."
    )


def draw(found: Measured) -> Figure:
    """Draw volume and temperature errors against time, a line an integrator."""
    figure = pages.new_figure(9.0, 4.2)
    left, right = figure.subplots(1, 2)
    for name in (*SERIES, "explicit"):
        runs = [run for run in found.runs if run.integrator == name]
        style: dict[str, Any] = {"marker": _MARKERS[name], "color": _COLORS[name]}
        times = [run.wall_s for run in runs]
        worst = [run.error.volume_worst_percent for run in runs]
        median = [run.error.volume_median_percent for run in runs]
        left.plot(times, worst, "-", **style)
        left.plot(times, median, ":", **style, fillstyle="none")
        right.plot(times, [run.error.temperature_mean_k for run in runs], **style, label=name)
    title = "error of isotherm volumes, %: worst, and median (dotted)"
    _finish(left, title)
    _finish(right, "mean error of temperature where it freezes, K")
    right.legend(frameon=False, fontsize=9)
    return figure


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("time, s")
    axes.set_xscale("log")
    axes.set_yscale("log")
    pages.mark_plainly(axes.xaxis)
    axes.grid(which="both", alpha=0.3)


if __name__ == "__main__":
    sys.exit(main())
