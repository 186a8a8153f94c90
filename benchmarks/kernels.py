"""What each main kernel costs: time a voxel, memory traffic, plain sweeps, compiling.

Usage: python -m benchmarks.kernels [--edge 64,128] [--threads N] [-o DIR]

The arguments of each kernel are those of its last call in a short run. Writes kernels.json,
kernels.md and kernels.png.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest import mock

import numba
import numpy as np

from cryosim import Settings, simulate
from cryosim_kernels import bioheat, exposure, far, near

from . import pages
from .compiling import FirstUse, measure_first_use
from .scene import Scene
from .yardstick import SWEEP, best_of, plain_sweep_s, triad_gb_s

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMAND = "python -m benchmarks.kernels"
EDGES = (64, 128)
PROTOCOL = "freeze 2 min"
# A mark in the picture for each size.
_MARKERS = "os^Dv"
_WORTH_A_ROW_S = 0.5

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Kernel:
    """A row of the table.

    Attributes
    ----------
    module, function : which kernel. integrator : of the run whose arguments it gets.
    reads, writes : arrays of voxels, by parameter, that it cannot do without; one that it brings
        up to date is in both.
    variant : what is special about the call. prepare : changes its arguments so.
    """

    module: ModuleType
    function: str
    integrator: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    variant: str = ""
    prepare: Callable[[Arguments], None] | None = None

    @property
    def name(self) -> str:
        """As code has it, without the package."""
        return f"{self.module.__name__.rpartition('.')[2]}.{self.function}"

    @property
    def title(self) -> str:
        """Name and variant."""
        return f"`{self.name}`, {self.variant}" if self.variant else f"`{self.name}`"


def _runs_of(arguments: Arguments, kind: int) -> None:
    """Let every row of the grid be one run."""
    nz, ny, nx = arguments["index"].shape
    rows = np.arange(1, ny - 1)
    plane = np.stack([rows, 0 * rows + 1, 0 * rows + nx - 1, 0 * rows + kind], axis=1)
    arguments["runs"] = np.tile(plane, (nz - 2, 1)).astype(np.uint64)
    arguments["run_starts"] = len(rows) * np.clip(np.arange(nz + 1) - 1, 0, nz - 2)


def _one_tissue(arguments: Arguments) -> None:
    _runs_of(arguments, 0)


def _mixed(arguments: Arguments) -> None:
    _runs_of(arguments, far.MIXED)


KERNELS = (
    Kernel(far, "start_far_step", "multirate",
           ("temperature", "resistivity", "index"), ("rate", "increment")),
    Kernel(far, "advance_far_stage", "multirate",
           ("previous", "target", "start_rate"), ("target",), "runs of one tissue", _one_tissue),
    Kernel(far, "advance_far_stage", "multirate",
           ("previous", "target", "start_rate", "resistivity", "index"), ("target",),
           "mixed runs", _mixed),
    Kernel(far, "finish_far_step", "multirate",
           ("increment", "carry", "temperature", "coldest"), ("carry", "temperature", "coldest")),
    Kernel(near, "advance_near_stage", "multirate",
           ("index", "links", "now", "held", "previous", "before"), ("target",)),
    Kernel(near, "combine_near_stage", "multirate",
           ("start", "moved", "start_moved", "previous", "target", "index", "perfusable"),
           ("target", "now", "temperature", "held")),
    Kernel(exposure, "record_exposure", "multirate",
           ("temperature", "earlier", "coldest"), ("earlier", "coldest")),
    Kernel(bioheat, "update_state", "rkl2",
           ("energy", "index", "perfusable"),
           ("temperature", "resistivity", "potential", "source")),
    Kernel(bioheat, "advance_stage", "rkl2",
           ("index", "temperature", "resistivity", "potential", "source", "start", "start_rate",
            "previous", "target"), ("target",)),
)  # fmt: skip
# Compiled kernels that call others: interpreted, so that those calls can be recorded.
_CALLERS = ((near, "integrate_near"),)


@dataclass(frozen=True)
class Timing:
    """What a kernel cost on one grid.

    Attributes
    ----------
    voxels : that it works on. seconds : of a call. moved_bytes : least traffic of a voxel.
    sweeps : plain sweeps of as many voxels that take as long.
    """

    kernel: str
    edge_voxels: int
    voxels: int
    seconds: float
    moved_bytes: int
    sweeps: float

    @property
    def ns_per_voxel(self) -> float:
        """Time of a voxel."""
        return 1e9 * self.seconds / self.voxels

    @property
    def gb_s(self) -> float:
        """Least traffic over time."""
        return 1e-9 * self.moved_bytes * self.voxels / self.seconds


@dataclass(frozen=True)
class Measured:
    """What the kernels cost on one grid.

    Attributes
    ----------
    sweep_ns : time of a voxel in a plain sweep of the whole grid.
    one_tissue_share : of the voxels of far tissue that need no look-ups.
    near_share, exposed_share : of the grid's voxels that the near zone holds, and that are in rows
        where exposure is recorded.
    """

    edge_voxels: int
    spacing_mm: float
    sweep_ns: float
    one_tissue_share: float
    near_share: float
    exposed_share: float
    timings: tuple[Timing, ...]


def main(arguments: list[str] | None = None) -> int:
    """Time the kernels on every grid and write what was found."""
    options = _parse(arguments)
    numba.set_num_threads(options.threads)
    made_with = pages.facts(options.threads)
    triad = triad_gb_s()
    size_mm = Scene(1.0).size_mm
    first = measure_first_use()
    found = [measure(Scene(size_mm / edge, protocol=PROTOCOL)) for edge in options.edge]
    record = {
        "command": COMMAND,
        "made_with": made_with,
        "triad_gb_s": triad,
        "grids": [_document(one) for one in found],
        "first_use": dataclasses.asdict(first),
    }
    pages.write(
        "kernels", record, page(made_with, triad, found, first), draw(found), options.output
    )
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--edge", type=numbers, default=EDGES, metavar="LIST")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=pages.FOLDER, metavar="DIR")
    return parser.parse_args(arguments)


def _document(found: Measured) -> dict[str, Any]:
    timings = [
        {**dataclasses.asdict(one), "ns_per_voxel": one.ns_per_voxel, "gb_s": one.gb_s}
        for one in found.timings
    ]
    return {**dataclasses.asdict(found), "timings": timings}


# Measuring.


def measure(scene: Scene, repeats: int = 20) -> Measured:
    """Run the scene with both integrators and time each kernel with its last arguments."""
    tissue = scene.tissue()
    sweep_ns = 1e9 * plain_sweep_s(tissue.grid.shape, repeats) / tissue.grid.cell_count
    calls = {}
    for integrator in ("multirate", "rkl2"):
        with _recorded_calls(integrator) as recorded:
            simulate(tissue, scene.plan(), Settings(integrator=integrator))
        calls[integrator] = recorded
    edge = tissue.grid.shape[0]
    timings = [_time(kernel, calls[kernel.integrator], edge, sweep_ns, repeats)
               for kernel in KERNELS]  # fmt: skip
    runs = calls["multirate"]["advance_far_stage"]["runs"]
    rows = calls["multirate"]["record_exposure"]["rows"][1:-1, 1:-1]
    near_index = calls["multirate"]["combine_near_stage"]["index"]
    return Measured(
        edge_voxels=edge,
        spacing_mm=scene.spacing_mm,
        sweep_ns=sweep_ns,
        one_tissue_share=_far_voxels(runs[runs[:, 3] != far.MIXED]) / _far_voxels(runs),
        near_share=_inner_voxels(near_index) / tissue.grid.cell_count,
        exposed_share=float(np.mean(rows)),
        timings=tuple(timings),
    )


@contextmanager
def _recorded_calls(integrator: str) -> Iterator[dict[str, Arguments]]:
    """Keep the arguments of the last call of each kernel, by function and parameter."""
    calls: dict[str, Arguments] = {}
    with contextlib.ExitStack() as patches:
        for module, name in _CALLERS:
            patches.enter_context(mock.patch.object(module, name, getattr(module, name).py_func))
        for module, name in {(k.module, k.function) for k in KERNELS if k.integrator == integrator}:
            recorder = _recorder(getattr(module, name), calls)
            patches.enter_context(mock.patch.object(module, name, recorder))
        yield calls


def _recorder(kernel: Any, calls: dict[str, Arguments]) -> Callable[..., Any]:
    signature = inspect.signature(kernel.py_func)

    def call(*arguments: Any) -> Any:
        calls[kernel.py_func.__name__] = signature.bind(*arguments).arguments
        return kernel(*arguments)

    return call


def _time(
    kernel: Kernel, calls: dict[str, Arguments], edge: int, sweep_ns: float, repeats: int
) -> Timing:
    """Time a kernel with its last arguments; what it writes to does not matter any more."""
    function = getattr(kernel.module, kernel.function)
    arguments = dict(calls[kernel.function])
    if kernel.prepare is not None:
        kernel.prepare(arguments)
    values = [arguments[name] for name in inspect.signature(function.py_func).parameters]
    seconds = best_of(lambda: function(*values), repeats)
    voxels = _inner_voxels(arguments[kernel.writes[0]])
    if "runs" in arguments:
        voxels = _far_voxels(arguments["runs"])
    if "rows" in arguments:
        rows = arguments["rows"]
        voxels = int(rows.sum()) * (arguments[kernel.writes[0]].shape[2] - 2)
    arrays = (*kernel.reads, *kernel.writes)
    return Timing(
        kernel=kernel.title,
        edge_voxels=edge,
        voxels=voxels,
        seconds=seconds,
        moved_bytes=sum(arguments[name].itemsize for name in arrays),
        sweeps=1e9 * seconds / voxels / sweep_ns,
    )


def _far_voxels(runs: np.ndarray) -> int:
    return int((runs[:, 2] - runs[:, 1]).sum())


def _inner_voxels(field: np.ndarray) -> int:
    """Return how many voxels an array has inside its ghost layer."""
    return int(np.prod([n - 2 for n in field.shape]))


# The page.


def page(
    made_with: dict[str, Any], triad: float, grids: Sequence[Measured], first: FirstUse
) -> str:
    """Return the page in Markdown."""
    parts = [
        "# What each kernel costs",
        f"Written by `{COMMAND}`; the numbers are in [kernels.json](kernels.json).",
        _problem(),
        f"{pages.describe(made_with)} Triad (a = b + s c on arrays of 128 MiB, same threads): "
        f"{triad:.1f} GB/s.",
    ]
    for found in grids:
        parts += [_heading(found), _shares(found), _table(found, triad)]
    parts += ["![cost of each kernel](kernels.png)", "## Arrays that count", _traffic_table()]
    parts += ["## First use", _first_use(first)]
    return "\n\n".join(parts) + "\n"


def _problem() -> str:
    return (
        f"The scene of [protocol.md](protocol.md) on grids of two sizes, after `{PROTOCOL}`: each "
        "kernel is called again with the arguments of its last call in that run, the best of "
        "twenty. *Bytes* are the least that a kernel must read and write a voxel if each array "
        "crosses the memory bus once; neighbors, tables, lists of faces and the reading of lines "
        "before they are overwritten are not counted. *GB/s* are these bytes over the time; where "
        "the arrays fit into a cache they may exceed the triad. `record_exposure`, called again, "
        "finds no voxel colder or warmer than before. *Plain sweeps* are the time of a voxel over "
        f"that of the yardstick, {SWEEP}."
    )


def _heading(found: Measured) -> str:
    edge = found.edge_voxels
    return f"## {edge} x {edge} x {edge} voxels of {found.spacing_mm:g} mm"


def _shares(found: Measured) -> str:
    return (
        f"A plain sweep takes {pages.digits(found.sweep_ns)} ns a voxel. "
        f"{100 * found.one_tissue_share:.0f} % of the far voxels are in runs of one tissue, the "
        f"near zone holds {100 * found.near_share:.0f} % of the voxels, exposure is recorded in "
        f"{100 * found.exposed_share:.0f} % of the rows."
    )


def _table(found: Measured, triad: float) -> str:
    header = ("kernel", "voxels", "ns / voxel", "bytes / voxel", "GB/s", "of the triad",
              "plain sweeps")  # fmt: skip
    rows = [
        [
            one.kernel,
            f"{one.voxels}",
            pages.digits(one.ns_per_voxel),
            f"{one.moved_bytes}",
            pages.digits(one.gb_s),
            f"{100 * one.gb_s / triad:.0f} %",
            pages.digits(one.sweeps),
        ]
        for one in found.timings
    ]
    return pages.table(header, rows)


def _traffic_table() -> str:
    rows = [[kernel.title, ", ".join(kernel.reads), ", ".join(kernel.writes)] for kernel in KERNELS]
    return pages.table(("kernel", "read", "written"), rows)


def _first_use(first: FirstUse) -> str:
    rows = [[f"`{name}`", f"{seconds:.1f}"] for name, seconds in first.by_kernel_s.items()
            if seconds >= _WORTH_A_ROW_S]  # fmt: skip
    return (
        f"Once on a machine, kernels are compiled, in two processes: "
        f"{first.two_processes_s:.0f} s; in one, {first.one_process_s:.0f} s, of which each kernel "
        "takes, without those that it calls:\n\n" + pages.table(("kernel", "s"), rows)
    )


def draw(grids: Sequence[Measured]) -> Figure:
    """Draw the cost of each kernel, one mark a size, on a logarithmic axis."""
    names = [one.kernel.replace("`", "") for one in grids[0].timings]
    figure = pages.new_figure(7.0, 0.36 * len(names) + 1.4)
    axes = figure.subplots()
    for found, marker in zip(grids, _MARKERS, strict=False):
        edge = found.edge_voxels
        sweeps = [one.sweeps for one in found.timings]
        axes.plot(sweeps, range(len(names)), marker, label=f"{edge} x {edge} x {edge} voxels")
    axes.set_xscale("log")
    pages.mark_plainly(axes.xaxis)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(1.0, color="#8a9299", linewidth=1.0)
    axes.grid(axis="x", which="both", alpha=0.3)
    axes.set_xlabel("plain sweeps of as many voxels")
    figure.legend(loc="outside upper center", ncols=len(grids), fontsize="small", frameon=False)
    return figure


if __name__ == "__main__":
    sys.exit(main())
