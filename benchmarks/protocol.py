"""What a clinical protocol costs: two cycles of three probes, on grids of several spacings.

Usage: python -m benchmarks.protocol [--spacing-mm 2,1.5,1] [--threads 1,2] [-o DIR]

Each run is a process of its own, so that its memory and its threads are its own. Writes
protocol.json, protocol.md and protocol.png.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import itertools
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from cryosim import Callback, Settings, simulate

from . import pages
from .scene import Scene
from .yardstick import SWEEP, plain_sweep_s

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cryosim import Result, TissueGrid

COMMAND = "python -m benchmarks.protocol"
SPACINGS_MM = (2.0, 1.5, 1.0)

# A protocol is repeated so often, or until so long was spent on it.
REPEATS, PATIENCE_S = 3, 30.0
# Explicit steps that are timed, after some that are not.
TIMED_STEPS, FIRST_STEPS = 12, 3
# Kernels are compiled or loaded by a second of the protocol on a coarse grid.
REHEARSAL_MM = 4.0

_THREADS = "NUMBA_NUM_THREADS"


@dataclass(frozen=True)
class Cost:
    """What a protocol cost on one grid.

    Attributes
    ----------
    walls_s : of the protocol, each time it ran; building its state counts, compiling does not.
    processors_s : processor time of the same, all threads.
    sweep_s : a plain sweep of the same grid in the same process.
    cell_updates : evaluations of the heat balance of a voxel.
    predicted_bytes, baseline_bytes, peak_bytes : memory of the process: as said before the run,
        measured before the tissue was built, and the most after that.
    kept_fields : temperature fields that the result keeps.
    explicit_steps : plain explicit steps that the protocol would take. explicit_step_s : wall time
        of one.
    volumes_ml : by stage end (s) and isotherm (C).
    """

    spacing_mm: float
    threads: int
    cells: int
    simulated_s: float
    walls_s: tuple[float, ...]
    processors_s: tuple[float, ...]
    sweep_s: float
    steps: int
    stages: int
    cell_updates: int
    ledger_error: float
    predicted_bytes: int
    baseline_bytes: int
    peak_bytes: int
    kept_fields: int
    explicit_steps: int
    explicit_step_s: float
    volumes_ml: dict[str, dict[str, float]]

    @property
    def wall_s(self) -> float:
        """The best time."""
        return min(self.walls_s)

    @property
    def processor_s(self) -> float:
        """The least processor time; over the threads it is what an idle machine could take."""
        return min(self.processors_s)

    @property
    def sweeps(self) -> float:
        """The best time in plain sweeps."""
        return self.wall_s / self.sweep_s

    @property
    def bytes_per_voxel(self) -> float:
        """Memory that the tissue, the run and its result took."""
        return (self.peak_bytes - self.baseline_bytes) / self.cells

    @property
    def kept_bytes_per_voxel(self) -> int:
        """Of it, temperature fields of the result."""
        return np.dtype(np.float32).itemsize * self.kept_fields

    @property
    def prediction_error(self) -> float:
        """How far predicted memory is off, as a share of the measured peak."""
        return self.predicted_bytes / self.peak_bytes - 1.0

    @property
    def explicit_s(self) -> float:
        """Estimated time of plain explicit stepping."""
        return self.explicit_steps * self.explicit_step_s

    @property
    def gain(self) -> float:
        """Time of plain explicit stepping over that of the protocol."""
        return self.explicit_s / self.wall_s

    def document(self) -> dict[str, Any]:
        """Return it as JSON values, with what follows from it."""
        derived = ("wall_s", "processor_s", "sweeps", "bytes_per_voxel", "kept_bytes_per_voxel",
                   "prediction_error", "explicit_s", "gain")  # fmt: skip
        return {**dataclasses.asdict(self), **{name: getattr(self, name) for name in derived}}


def main(arguments: list[str] | None = None) -> int:
    """Run the protocol on every grid and write what was found."""
    options = _parse(arguments)
    spacings = sorted(options.spacing_mm, reverse=True)
    threads = sorted({int(number) for number in options.threads})
    made_with = pages.facts(threads[-1])
    # Comparing threads on the finest grid would take longest and show the same.
    compared_mm = min((mm for mm in spacings if mm >= 1.0), default=spacings[0])
    # Compiling takes more memory than running; processes that are measured find its result.
    _alone(_rehearse_all, Scene(REHEARSAL_MM), 1)
    others = [_measure_alone(Scene(compared_mm), number) for number in threads[:-1]]
    costs = [_measure_alone(Scene(mm), threads[-1]) for mm in spacings]
    compared = [*others, *(cost for cost in costs if cost.spacing_mm == compared_mm)]
    record = {
        "command": COMMAND,
        "made_with": made_with,
        "exponent": exponent(costs) if len(costs) > 1 else None,
        "spacings": [cost.document() for cost in costs],
        "threads": [cost.document() for cost in compared],
    }
    pages.write("protocol", record, page(made_with, costs, compared), draw(costs), options.output)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    from cryosim.simulation.cores import available_cores

    def numbers(text: str) -> list[float]:
        return [float(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--spacing-mm", type=numbers, default=SPACINGS_MM, metavar="LIST")
    parser.add_argument(
        "--threads",
        type=numbers,
        default=(1, available_cores()),
        metavar="LIST",
        help="numbers of threads that are compared; most runs use the largest",
    )
    parser.add_argument("-o", "--output", type=Path, default=pages.FOLDER, metavar="DIR")
    return parser.parse_args(arguments)


def _alone(function: Callable[[Scene], Any], scene: Scene, threads: int) -> Any:
    """Call in a fresh process with so many threads."""
    with (
        mock.patch.dict(os.environ, {_THREADS: str(threads)}),
        concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        return pool.submit(function, scene).result()


def _measure_alone(scene: Scene, threads: int) -> Cost:
    cost: Cost = _alone(measure, scene, threads)
    print(f"{scene.spacing_mm:g} mm, {threads} threads: {cost.wall_s:.3g} s, "
          f"{cost.sweeps:.0f} sweeps, {cost.gain:.1f} times faster than explicit")  # fmt: skip
    return cost


# Measuring.


class StepLog(Callback):
    """Keeps each step (s) and the coldest (C) that it has to reckon with, once a run starts."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []

    def on_start(self, duration_s: float) -> None:  # noqa: ARG002
        """Forget what was rehearsed before."""
        self.steps.clear()


class Stopwatch(Callback):
    """Notes when each step is done."""

    def __init__(self) -> None:
        self.done_s: list[float] = []

    def on_progress(self, time_s: float) -> None:  # noqa: ARG002
        """See `Callback`."""
        self.done_s.append(time.perf_counter())


def measure(scene: Scene, repeats: int = REPEATS) -> Cost:
    """Run the scene's protocol, and plain explicit stepping for a moment."""
    import numba

    from cryosim.studies.grids.resident_memory import forget_peak, peak_bytes, resident_bytes

    _rehearse_all(scene)
    # Before anything else leaves memory behind that the run could use again.
    baseline = resident_bytes()
    tissue = scene.tissue()
    forget_peak()
    started = time.perf_counter()
    with _logged_steps() as log:
        result, processor_s = _run(scene, tissue, log)
    peak = peak_bytes()
    sweeps_s = [plain_sweep_s(tissue.grid.shape)]
    walls_s, processors_s = [result.performance.wall_s], [processor_s]
    while len(walls_s) < repeats and time.perf_counter() - started < PATIENCE_S:
        again, processor_s = _run(scene, tissue)
        walls_s.append(again.performance.wall_s)
        processors_s.append(processor_s)
        sweeps_s.append(plain_sweep_s(tissue.grid.shape))
    explicit_steps, first_s = _count_explicit_steps(scene, tissue, log.steps)
    return Cost(
        spacing_mm=scene.spacing_mm,
        threads=numba.get_num_threads(),
        cells=tissue.grid.cell_count,
        simulated_s=scene.plan().protocol.duration_s,
        walls_s=tuple(walls_s),
        processors_s=tuple(processors_s),
        sweep_s=min(sweeps_s),
        steps=result.performance.steps,
        stages=result.performance.stages,
        cell_updates=result.performance.cell_updates,
        ledger_error=result.energy.relative_error,
        predicted_bytes=result.performance.memory_bytes,
        baseline_bytes=baseline,
        peak_bytes=peak,
        kept_fields=len(result.times_s),
        explicit_steps=explicit_steps,
        explicit_step_s=_time_explicit_step(scene, result, first_s),
        volumes_ml=_volumes(result),
    )


def _run(scene: Scene, tissue: TissueGrid, *callbacks: Callback) -> tuple[Result, float]:
    """Simulate the protocol; also return its processor time, s."""
    started = time.process_time()
    result = simulate(tissue, scene.plan(), callbacks=callbacks)
    return result, time.process_time() - started


def _rehearse_all(scene: Scene) -> None:
    """Compile or load every kernel by a second of the protocol."""
    coarse = dataclasses.replace(scene, spacing_mm=max(scene.spacing_mm, REHEARSAL_MM))
    for integrator in ("multirate", "explicit"):
        simulate(coarse.tissue(), coarse.plan("freeze 1 s"), Settings(integrator=integrator))


@contextmanager
def _logged_steps() -> Iterator[StepLog]:
    """Log the steps of a run that is given the log as a callback."""
    from cryosim.simulation.multirate import MultirateLegendre

    log = StepLog()
    advance = MultirateLegendre.advance

    def logged(self: Any, step_s: float, coldest_c: float) -> Any:
        log.steps.append((step_s, coldest_c))
        return advance(self, step_s, coldest_c)

    with mock.patch.object(MultirateLegendre, "advance", logged):
        yield log


def _count_explicit_steps(
    scene: Scene, tissue: TissueGrid, steps: Sequence[tuple[float, float]]
) -> tuple[int, float]:
    """Return the plain explicit steps of the logged run, and the length of its first, s."""
    from cryosim.probes import couple
    from cryosim.simulation.integrators import make_integrator
    from cryosim.simulation.state import build_state

    plan = scene.plan()
    coupling = couple(tissue.grid, plan.needles)
    state, _ = build_state(tissue, coupling, plan.perfusion, plan.body, 0)
    explicit = make_integrator(Settings(integrator="explicit"), state)
    count = sum(step_s / explicit.next_step_s(0.0, coldest_c) for step_s, coldest_c in steps)
    return math.ceil(count), explicit.next_step_s(0.0, steps[0][1])


def _time_explicit_step(scene: Scene, result: Result, step_s: float) -> float:
    """Time plain explicit steps, records and all, from where the first stage ended; the best, s."""
    first_end = result.times_s.index(result.plan.protocol.ends_s()[0])
    frozen = dataclasses.replace(result.tissue, start_c=result.temperatures_c[first_end])
    watch = Stopwatch()
    seconds = step_s * (FIRST_STEPS + TIMED_STEPS)
    plan = scene.plan(f"freeze {seconds:.6f} s")
    simulate(frozen, plan, Settings(integrator="explicit"), [watch])
    return float(np.diff(watch.done_s[FIRST_STEPS:]).min())


def _volumes(result: Result) -> dict[str, dict[str, float]]:
    """Return the isotherm volumes where stages end."""
    from cryosim.evaluation import timeline

    ends = result.plan.protocol.ends_s()
    return {
        f"{row.t_s:g}": {f"{level:g}": volume for level, volume in row.volume_ml.items()}
        for row in timeline(result)
        if row.t_s in ends
    }


def exponent(costs: Sequence[Cost]) -> float:
    """Return the power of the number of voxels that the time goes with, by least squares."""
    cells, seconds = zip(*((cost.cells, cost.wall_s) for cost in costs), strict=True)
    return float(np.polyfit(np.log(cells), np.log(seconds), 1)[0])


# What is aimed at.


@dataclass(frozen=True)
class Target:
    """A number that is aimed at.

    Attributes
    ----------
    value_of : what it is compared with. spacing_mm : of the run that shows it.
    least : whether the number must be reached, not kept.
    """

    what: str
    limit: float
    unit: str
    spacing_mm: float
    value_of: Callable[[Cost], float]
    least: bool = False

    def row(self, cost: Cost) -> list[str]:
        """Return its row of the table."""
        return _target_row(
            f"{self.what} at {self.spacing_mm:g} mm", self.limit, self.unit,
            self.value_of(cost), least=self.least,
        )  # fmt: skip


TARGETS = (
    Target("time", 0.3, "s", 2.0, lambda cost: cost.wall_s),
    Target("time", 3.0, "s", 1.0, lambda cost: cost.wall_s),
    Target("time", 2500.0, "plain sweeps", 1.0, lambda cost: cost.sweeps),
    Target("time", 45.0, "s", 0.5, lambda cost: cost.wall_s),
    Target("faster than plain explicit", 50.0, "times", 1.0, lambda cost: cost.gain, least=True),
    Target("memory", 100.0, "bytes a voxel", 1.0, lambda cost: cost.bytes_per_voxel),
    Target("memory, fields kept for the result apart", 100.0, "bytes a voxel", 1.0,
           lambda cost: cost.bytes_per_voxel - cost.kept_bytes_per_voxel),
    Target("error of predicted memory", 10.0, "%", 1.0,
           lambda cost: 100.0 * abs(cost.prediction_error)),
)  # fmt: skip
EXPONENT_TARGET = 4.0 / 3.0


def target_rows(costs: Sequence[Cost]) -> list[list[str]]:
    """Return the rows of all targets that the runs can tell about."""
    by_spacing = {cost.spacing_mm: cost for cost in costs}
    rows = [t.row(by_spacing[t.spacing_mm]) for t in TARGETS if t.spacing_mm in by_spacing]
    if len(costs) > 1:
        what = "time goes with a power of the number of voxels"
        rows.append(_target_row(what, EXPONENT_TARGET, "", exponent(costs), least=False))
    return rows


def _target_row(what: str, limit: float, unit: str, found: float, *, least: bool) -> list[str]:
    bound = "at least" if least else "at most"
    over = limit / found if least else found / limit
    # Rounded like the numbers beside it, so that a row does not contradict itself.
    percent = round(100.0 * (over - 1.0))
    short = (
        f"missed by {percent} %" if over < 2.0 else f"missed by a factor of {pages.digits(over)}"
    )
    numbers = [f"{bound} {pages.digits(limit)} {unit}".strip(), f"{pages.digits(found)} {unit}"]
    return [what, *(text.strip() for text in numbers), "met" if over <= 1.0 else short]


# The page.


def page(made_with: dict[str, Any], costs: Sequence[Cost], compared: Sequence[Cost]) -> str:
    """Return the page in Markdown."""
    parts = [
        "# What a clinical protocol costs",
        f"Written by `{COMMAND}`; the numbers are in [protocol.json](protocol.json).",
        _problem(costs[0]),
        pages.describe(made_with),
        "## Targets",
        pages.table(("", "target", "found", ""), target_rows(costs)),
        "## Cost",
        _cost_table(costs),
        _explicit_note(),
        "![time and number of voxels](protocol.png)",
        "## Memory",
        _memory_table(costs),
        _memory_note(),
        "## Threads",
        _thread_table(compared),
        "## Isotherm volumes, ml",
        _volume_table(costs),
    ]
    return "\n\n".join(parts) + "\n"


def _problem(cost: Cost) -> str:
    scene = Scene(cost.spacing_mm)
    probe = scene.plan().probe[0]
    return (
        f"{len(scene.angles_rad)} probes ({probe.model}, {probe.coldest_c:g} C) in a cube of "
        f"{scene.size_mm:g} mm; muscle, fat, bone and a tumor, perfused "
        f"(`benchmarks/scene.py`). {scene.protocol}: {cost.simulated_s:g} s. Settings as they "
        "come. *Time* is that of `simulate()` without compiling, the best of up to "
        f"{REPEATS} runs in one process. A *plain sweep*, the yardstick, is {SWEEP}."
    )


def _cost_table(costs: Sequence[Cost]) -> str:
    header = ("spacing", "voxels", "time, s", "power of voxels", "processor, s",
              "plain sweeps", "steps", "stages", "voxel updates, millions", "ns / update",
              "energy ledger off by", "plain explicit: steps", "time, s", "/ time")  # fmt: skip
    powers = ["", *(pages.digits(exponent(pair)) for pair in itertools.pairwise(costs))]
    rows = [
        [
            f"{cost.spacing_mm:g} mm",
            f"{cost.cells}",
            pages.digits(cost.wall_s),
            power,
            pages.digits(cost.processor_s),
            pages.digits(cost.sweeps),
            f"{cost.steps}",
            f"{cost.stages}",
            pages.digits(1e-6 * cost.cell_updates),
            pages.digits(1e9 * cost.wall_s / cost.cell_updates),
            f"{cost.ledger_error:.1e}",
            f"{cost.explicit_steps}",
            pages.digits(cost.explicit_s),
            pages.digits(cost.gain),
        ]
        for cost, power in zip(costs, powers, strict=True)
    ]
    return pages.table(header, rows)


def _explicit_note() -> str:
    return (
        "*Plain explicit* is the `explicit` integrator with the same records. It is not run "
        "through the protocol: its number of steps is the sum, over all steps of the measured run, "
        "of the step divided by the explicit step that the stability limit allowed at that "
        "moment, which depends on how cold the ice may get; the time of one is the best of "
        f"{TIMED_STEPS}, taken in the same process from the temperatures at the end of the "
        "first stage. *Voxel updates* count every evaluation of a voxel's heat balance, the inner "
        "ones near ice too; *stages* those of the whole grid. *Power of voxels* is what the time "
        "went with since the grid above. *Processor* time is that of all threads; where it is much "
        "less than time times threads, they waited for each other or for other programs. The "
        "*energy ledger* is off by what does not add up, over its largest term."
    )


def _memory_table(costs: Sequence[Cost]) -> str:
    header = ("spacing", "predicted, MB", "measured, MB", "off by", "before, MB",
              "bytes a voxel", "of them fields kept for the result")  # fmt: skip
    rows = [
        [
            f"{cost.spacing_mm:g} mm",
            *(f"{1e-6 * size:.0f}" for size in (cost.predicted_bytes, cost.peak_bytes)),
            f"{100 * cost.prediction_error:+.0f} %",
            f"{1e-6 * cost.baseline_bytes:.0f}",
            pages.digits(cost.bytes_per_voxel),
            f"{cost.kept_bytes_per_voxel}",
        ]
        for cost in costs
    ]
    return pages.table(header, rows)


def _memory_note() -> str:
    return (
        "*Predicted* and *measured* are peaks of the whole process; *before* is what interpreter, "
        "libraries and kernels had taken before the tissue was built, which is not part of *bytes "
        "a voxel*."
    )


def _thread_table(costs: Sequence[Cost]) -> str:
    first = costs[0]
    rows = [
        [
            f"{cost.threads}",
            pages.digits(cost.wall_s),
            pages.digits(first.wall_s / cost.wall_s),
            pages.digits(cost.processor_s),
            pages.digits(1e3 * cost.sweep_s),
            pages.digits(first.sweep_s / cost.sweep_s),
            pages.digits(cost.sweeps),
        ]
        for cost in costs
    ]
    header = (f"threads, at {first.spacing_mm:g} mm", "time, s", "faster by", "processor, s",
              "plain sweep, ms", "faster by", "plain sweeps")  # fmt: skip
    return pages.table(header, rows)


def _volume_table(costs: Sequence[Cost]) -> str:
    header = ("", *(f"{cost.spacing_mm:g} mm" for cost in costs))
    rows = []
    for end, levels in costs[0].volumes_ml.items():
        for level in levels:
            volumes = [f"{cost.volumes_ml[end][level]:.2f}" for cost in costs]
            rows.append([f"{end} s, {level} C", *volumes])
    return pages.table(header, rows)


def draw(costs: Sequence[Cost]) -> Figure:
    """Draw times against the number of voxels."""
    figure = pages.new_figure(7.0, 4.6)
    axes = figure.subplots()
    cells = np.array([cost.cells for cost in costs], dtype=float)
    measured = np.array([cost.wall_s for cost in costs])
    explicit = [cost.explicit_s for cost in costs]
    axes.loglog(cells, explicit, "s-", color="#8a9299", label="plain explicit, estimated")
    axes.loglog(cells, measured, "o-", color="#1f5a92", label="cryosim, measured")
    power = measured[-1] * (cells / cells[-1]) ** EXPONENT_TARGET
    axes.loglog(cells, power, "--", color="#1f5a92", alpha=0.5, label="∝ voxels$^{4/3}$")
    for cost in costs:
        axes.annotate(f"{cost.spacing_mm:g} mm", (cost.cells, cost.wall_s), (4, -12),
                      textcoords="offset points", fontsize=8)  # fmt: skip
    threads = costs[0].threads
    words = "one thread" if threads == 1 else f"{threads} threads"
    axes.set_title(f"{costs[0].simulated_s:g} s of a protocol, {words}", loc="left", fontsize=11)
    axes.margins(x=0.12)
    axes.set_xlabel("voxels")
    axes.set_ylabel("time, s")
    axes.grid(which="both", alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    return figure


if __name__ == "__main__":
    sys.exit(main())
