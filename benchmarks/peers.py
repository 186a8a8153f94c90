"""Freeze the same cube in cryosim, FiPy, py-pde and plain explicit Numba; compare cost and volumes.

Usage: python -m benchmarks.peers [--threads N] [--all] [-o DIR]

Needs `pip install -e '.[peers]'`; a code that is not installed is named and left out. Each run is a
process of its own on one thread. Writes peers.json, peers.md and peers.png.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import importlib.metadata
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import peer_codes
from .freezing_cube import FreezingCube
from .peer_codes import Outcome

PAGES = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
COMMAND = "python -m benchmarks.peers"

CASES = (
    FreezingCube(40, 2.0, 120.0),
    FreezingCube(80, 1.0, 120.0),
    FreezingCube(80, 1.0, 1200.0),
)
LEVELS_C = (0.0, -20.0, -40.0)
YARDSTICK = "plain explicit"
# Volumes are compared with those of the yardstick with steps so many times shorter.
REFINEMENT = 8
REFINED = f"plain explicit, steps / {REFINEMENT}"

# A run is repeated so often, or until so long was spent on it.
REPEATS, PATIENCE_S = 3, 30.0

PACKAGES = ("cryosim", "FiPy", "py-pde", "numba", "numpy", "scipy")
THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Run = Callable[[FreezingCube], Outcome]


@dataclass(frozen=True)
class Code:
    """A row of the tables.

    Attributes
    ----------
    run : freezes a cube. needs : distribution that must be installed.
    most_voxel_seconds : voxels times simulated seconds beyond which it is left out unless asked.
    """

    title: str
    run: Run
    needs: str = "numba"
    most_voxel_seconds: float = np.inf

    @property
    def installed(self) -> bool:
        """Whether it can run here."""
        return _version(self.needs) is not None


def find_codes() -> list[Code]:
    """List what is compared; cryosim with every integrator that it offers."""
    partial = functools.partial
    return [
        Code(YARDSTICK, peer_codes.run_plain),
        Code(REFINED, partial(peer_codes.run_plain, refinement=REFINEMENT)),
        *(
            Code(f"cryosim, {name}", partial(peer_codes.run_cryosim, integrator=name), "cryosim")
            for name in peer_codes.integrators()
        ),
        Code("py-pde, Numba", peer_codes.run_py_pde, "py-pde"),
        Code("FiPy, steps of 2 s", partial(peer_codes.run_fipy, step_s=2.0), "FiPy", 1e7),
        Code("FiPy, steps of 0.5 s", partial(peer_codes.run_fipy, step_s=0.5), "FiPy", 1e7),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run every code on every case and write what was found."""
    options = _parse(arguments)
    # Read by numerical libraries of the child processes when they are loaded.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(options.threads)))
    made_with = _facts(options.threads)
    codes = find_codes()
    cases = [_compare(cube, codes, everything=options.all) for cube in CASES]
    record = {"made_with": made_with, "command": COMMAND, "cases": cases}
    write_pages(record, options.output)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--all", action="store_true", help="also what takes minutes to hours")
    parser.add_argument("-o", "--output", type=Path, default=PAGES, metavar="DIR")
    return parser.parse_args(arguments)


def _compare(cube: FreezingCube, codes: Sequence[Code], *, everything: bool) -> dict[str, Any]:
    """Run the codes on one cube; differences are those from the refined yardstick."""
    rows = []
    fields: dict[str, NDArray[np.float64]] = {}
    for code in codes:
        row, field = _row(code, cube, everything=everything)
        rows.append(row)
        if field is not None:
            fields[code.title] = field
        print(f"{cube.edge_voxels}^3, {cube.simulated_s:g} s, {code.title}: {_said(row)}")
    for row in rows:
        if row["code"] in fields:
            row["largest_difference_k"] = float(np.abs(fields[row["code"]] - fields[REFINED]).max())
    return {
        "edge_voxels": cube.edge_voxels,
        "spacing_mm": cube.spacing_mm,
        "simulated_s": cube.simulated_s,
        "codes": rows,
    }


def _said(row: dict[str, Any]) -> str:
    return f"{row['wall_s']:.3g} s" if "wall_s" in row else str(row["left_out"])


def _row(
    code: Code, cube: FreezingCube, *, everything: bool
) -> tuple[dict[str, Any], NDArray[np.float64] | None]:
    """Measure a code on a cube; also return the temperatures at the end."""
    if not code.installed:
        reason = f"{code.needs} is not installed; pip install 'cryosim[peers]' brings it"
        return {"code": code.title, "left_out": reason}, None
    if cube.cells * cube.simulated_s > code.most_voxel_seconds and not everything:
        return {"code": code.title, "left_out": f"takes long; `{COMMAND} --all` runs it"}, None
    try:
        runs = _repeat(code.run, cube)
    except Exception as error:  # one code that fails does not cost the others their runs
        return {"code": code.title, "left_out": f"failed: {error}"}, None
    wall_s = min(outcome.wall_s for _, outcome in runs)
    last = runs[-1][1]
    row = {
        "code": code.title,
        "runs": len(runs),
        "wall_s": wall_s,
        "first_setup_s": runs[0][0],
        "later_setup_s": min((setup_s for setup_s, _ in runs[1:]), default=None),
        "ns_per_voxel_and_second": 1e9 * wall_s / (cube.cells * cube.simulated_s),
        "steps": last.steps,
        "evaluations": last.evaluations,
        "volumes_ml": frozen_volumes_ml(last.temperature_c, cube.spacing_mm),
    }
    return row, last.temperature_c


def _repeat(run: Run, cube: FreezingCube) -> list[tuple[float, Outcome]]:
    """Run up to `REPEATS` times with one cache of compiled code, empty at the first."""
    runs: list[tuple[float, Outcome]] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as cache:
        while len(runs) < REPEATS and (not runs or time.perf_counter() - started < PATIENCE_S):
            runs.append(_run_alone(run, cube, cache))
    return runs


def _run_alone(run: Run, cube: FreezingCube, cache: str) -> tuple[float, Outcome]:
    """Run in a fresh process; return the seconds that were not freezing, and what was found."""
    with concurrent.futures.ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn"), _use_cache, (cache,)
    ) as pool:
        return pool.submit(_run_timed, run, cube).result()


def _use_cache(folder: str) -> None:
    os.environ["NUMBA_CACHE_DIR"] = folder


def _run_timed(run: Run, cube: FreezingCube) -> tuple[float, Outcome]:
    started = time.perf_counter()
    outcome = run(cube)
    return time.perf_counter() - started - outcome.wall_s, outcome


def frozen_volumes_ml(temperature_c: NDArray[np.float64], spacing_mm: float) -> list[float]:
    """Volumes at or below the levels, to a fraction of a voxel; held voxels count."""
    from cryosim.surfaces import share_at_or_below

    field = temperature_c.astype(np.float32)
    shares = [share_at_or_below(field, level).sum(dtype=np.float64) for level in LEVELS_C]
    return [float(share) * spacing_mm**3 * 1e-3 for share in shares]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _facts(threads: int) -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    """Return the processor's name as Linux tells it, or what Python knows."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {platform.machine()}" if names else platform.machine()


def write_pages(record: dict[str, Any], folder: Path) -> None:
    """Write the record, the page and its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "peers.md").write_text(page(record), encoding="utf-8")
    _draw(record["cases"], folder / "peers.png")


PROBLEM = f"""## What is solved

Freezing of a cube of gel (the tissue of `tests/verification/references/gel_17g_150.json`: latent
heat between -8 and -1 C, properties of ice and of liquid constant) that starts at 37 C and whose
outer faces stay there. A line of voxels in its middle, half as long as the cube, is held at -150 C;
voxels that touch it start as ice. Every code gets the same voxels, the same enthalpy and the same
flux through each face (`benchmarks/freezing_cube.py` says how), so that only time stepping differs.

- **plain explicit**: Numba in double precision, steps of nine tenths of the stability limit,
  written for this one problem. The yardstick.
- **cryosim**: `simulate()`, with every integrator of `Settings`.
- **py-pde**: the enthalpy equation as text, explicit Euler, Numba backend, the yardstick's steps.
- **FiPy**: implicit steps; the enthalpy is a source linear in temperature, swept until the residual
  has fallen a thousandfold; conjugate gradients of SciPy.

*Freezing* is stepping alone, the best of up to {REPEATS} processes. *Set-up* is everything before:
imports, compiling, building; the first process finds no compiled code, later ones what a code keeps
(only cryosim keeps some; FiPy compiles nothing). *Evaluations* are heat balances of the grid: a
step, a stage, or a sweep with its linear solve. Volumes are differences from plain explicit with
steps {REFINEMENT} times shorter."""

FAIRNESS = """## What this does not show

What a code can do that the others here cannot:

- **FiPy**: unstructured meshes, equations of many kinds coupled in one matrix, implicit steps of
  any length, parallel solvers of PETSc and Trilinos.
- **py-pde**: equations as text, noise, spherical and cylindrical grids, adaptive steps, other
  backends (NumPy, JAX, PyTorch).
- **cryosim**: probes thinner than a voxel, many tissues with perfusion and vessels in one grid,
  freeze-thaw protocols, and at every step an energy ledger and how long each voxel was how cold. It
  does all of this bookkeeping here too; the other codes return a temperature field. It solves
  nothing else, and only on voxels.
- **plain explicit**: nothing but this problem.

What was not tuned: FiPy's time step, tolerances, preconditioner (PyAMG) and solver suite (PETSc);
py-pde's adaptive stepping, threads and other backends; cryosim's `Settings`, all as they come; the
yardstick's loops. All ran on as many threads as the table says; cryosim, py-pde and the yardstick
can use more. A uniform cube is the best case of the yardstick and of py-pde, which need one
coefficient where cryosim looks up the tissue of each voxel."""


def page(record: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    parts = [
        "# The same freezing problem in other codes",
        f"Written by `{record['command']}` after `pip install -e '.[peers]'`; the numbers are in "
        "[peers.json](peers.json).",
        PROBLEM,
        "## Result",
        _machine(record["made_with"]),
    ]
    for case in record["cases"]:
        parts += [_heading(case), _case_table(case), *_left_out(case)]
    parts += ["![cost of each code](peers.png)", FAIRNESS]
    return "\n\n".join(parts) + "\n"


def _machine(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in facts["packages"].items() if number)
    threads = "one thread" if facts["threads"] == 1 else f"{facts['threads']} threads"
    return (
        f"{facts['processor']}, {facts['cores']} cores, {threads} a process, load "
        f"{facts['load_before']:g} before; Python {facts['python']}, {versions}. Machines are "
        "noisy: read ratios, not seconds."
    )


def _heading(case: dict[str, Any]) -> str:
    edge = case["edge_voxels"]
    return (
        f"### {edge} x {edge} x {edge} voxels of {case['spacing_mm']:g} mm, "
        f"{case['simulated_s']:g} s"
    )


def _case_table(case: dict[str, Any]) -> str:
    measured = {row["code"]: row for row in case["codes"] if "wall_s" in row}
    plain, refined = measured[YARDSTICK], measured[REFINED]
    levels = [f"V({level:g} C)" for level in LEVELS_C]
    header = ("code", "freezing, s", f"/ {YARDSTICK}", "set-up, s: first", "later",
              "ns / voxel / simulated s", "steps", "evaluations", *levels)  # fmt: skip
    rows = [header, ["---", *["---:"] * (len(header) - 1)]]
    for row in measured.values():
        numbers = (row["wall_s"], row["wall_s"] / plain["wall_s"], row["first_setup_s"],
                   row["later_setup_s"], row["ns_per_voxel_and_second"])  # fmt: skip
        counts = (f"{row['steps']}", f"{row['evaluations']}")
        rows.append([row["code"], *map(_text, numbers), *counts, *_volumes(row, refined)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _volumes(row: dict[str, Any], refined: dict[str, Any]) -> list[str]:
    """Return a row's volumes as differences from the refined yardstick's, its own in ml."""
    if row is refined:
        return [f"{volume:.3f} ml" for volume in row["volumes_ml"]]
    pairs = zip(row["volumes_ml"], refined["volumes_ml"], strict=True)
    # The zero turns -0.0 into 0.0.
    percent = [round(100 * (volume / exact - 1), 2) + 0.0 for volume, exact in pairs]
    return [f"{value:+.2f} %" if value else "0" for value in percent]


def _text(value: float | None) -> str:
    """Three digits, without an exponent; empty where nothing was measured."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _left_out(case: dict[str, Any]) -> list[str]:
    rows = [row for row in case["codes"] if "left_out" in row]
    return ["\n".join(f"- {row['code']}: {row['left_out']}" for row in rows)] if rows else []


def _draw(cases: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the cost of each code, one mark a case, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    names = [row["code"] for row in cases[0]["codes"] if row["code"] != REFINED]
    figure = Figure(figsize=(7.0, 0.45 * len(names) + 1.6), layout="constrained")
    axes = figure.subplots()
    for case, marker in zip(cases, "os^", strict=False):
        found = {row["code"]: row.get("ns_per_voxel_and_second") for row in case["codes"]}
        shown = [(found[name], n) for n, name in enumerate(names) if found.get(name)]
        axes.plot(*zip(*shown, strict=True), marker, label=_heading(case).removeprefix("### "))
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(axis="x", which="both", alpha=0.3)
    axes.set_xlabel("ns per voxel and simulated second, set-up apart")
    figure.legend(loc="outside upper center", fontsize="small", frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    sys.exit(main())
