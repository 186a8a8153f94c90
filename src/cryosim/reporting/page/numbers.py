"""The lower part of the page: probes, cell kill, energy, numerics, and what all of it rests on."""

from __future__ import annotations

import dataclasses
import platform
from importlib import metadata

from ... import __version__
from ...evaluation import Report
from ...geometry import approach_words
from ...probes import Probe, Warmer
from ...quantities import NeedleReport
from ...results import FORMAT_VERSION
from ...simulation import Result
from ..tables import cells, headings, kill_table
from ..wording import amount, celsius, duration
from .depth import depth_mm, skin_depth_mm
from .markup import Html, caption, element, facts, items, join, plain_table, table

__all__ = ["basis", "energy", "kill", "numerics", "probes", "sources", "versions", "warnings"]

_ENERGY = {
    "probe_heat_out_j": "taken out by the probes",
    "sensible_j": "stored by cooling and warming",
    "latent_j": "stored by freezing and melting",
    "blood_j": "given by blood",
    "metabolism_j": "given by metabolism",
    "vessels_j": "given by large vessels",
    "air_j": "given by room air and packs",
    "protection_j": "given by irrigation",
    "boundary_j": "given through the faces of the box",
}
_LIBRARIES = ("numpy", "scipy", "numba", "matplotlib", "pyvista")


def kill(report: Report) -> Html:
    """List what each rule of cell kill says."""
    return join(
        plain_table(kill_table(report)),
        caption(
            "By an isotherm or threshold tissue lives or dies; the dose-response gives the share "
            "of cells expected to die, measured in vitro."
        ),
    )


def probes(report: Report, result: Result) -> Html:
    """List where the needles are, what drives them, and what they did."""
    plan = result.plan
    where, what = [], []
    for needle, found in zip(plan.needles, report.needles, strict=True):
        skin = skin_depth_mm(needle, result.tissue)
        where.append((
            found.name, found.model, approach_words(needle.axis), _point(needle.tip_mm),
            _point(needle.entry_mm), amount(depth_mm(needle), "mm"),
            amount(skin, "mm") if skin is not None else "–",
        ))  # fmt: skip
        what.append((
            found.name, f"{needle.diameter_mm:g} × {needle.active_length_mm:g} mm",
            _drive(needle) if isinstance(needle, Probe | Warmer) else "",
            *map(celsius, cells(found)),
        ))  # fmt: skip
    return join(
        table(
            ("needle", "model", "comes", "tip L, P, S in mm", "entry L, P, S in mm",
             "entry to tip", "skin to tip"),
            where, words=3,
        ),
        caption(
            "Positions are DICOM patient coordinates (LPS): x to the patient\u2019s left, y to the "
            "back, z to the head. The entry is the point that the plan gives on the shaft; skin to "
            "tip is found on the image, – where the skin lies outside the simulated box."
        ),
        table(
            ("needle", "active part", "driven by", *headings(NeedleReport)),
            what, words=3,
        ),
        caption("Power and heat count positive when taken out of the tissue."),
    )  # fmt: skip


def energy(result: Result) -> Html:
    """List where the heat went."""
    rows = [
        (_ENERGY[name], amount(joules / 1e3, "kJ", 2))
        for name, joules in dataclasses.asdict(result.energy).items()
    ]
    return join(
        facts(rows),
        caption(f"The balance closes to {result.energy.relative_error:.1e} of its largest term."),
    )


def numerics(result: Result) -> Html:
    """List grid and cost of the simulation."""
    grid, cost = result.tissue.grid, result.performance
    voxel = " × ".join(f"{step:.3g}" for step in grid.spacing_mm)
    box = " × ".join(f"{edge:.0f}" for edge in grid.size_mm)
    ratios = sorted({f"{ratio:.3f}" for ratio in result.flux_ratio})
    return facts(
        (
            ("voxel (x, y, z)", f"{voxel} mm"),
            ("simulated box", f"{box} mm"),
            ("voxels", f"{cost.cells:,}"),
            ("time steps", f"{cost.steps:,}"),
            ("stages", f"{cost.stages:,}"),
            ("time for them", f"{cost.wall_s:.1f} s"),
            ("time for compiling", f"{cost.compile_s:.1f} s"),
            ("predicted memory", f"{cost.memory_bytes / 1e9:.2f} GB"),
            (
                "heat flow of probes on the grid over the exact one, before correction",
                " to ".join(dict.fromkeys((ratios[0], ratios[-1]))) if ratios else "–",
            ),
        )
    )


def warnings(report: Report) -> Html:
    """List what to know before trusting the numbers."""
    if not report.warnings:
        return Html("")
    title = element("h3", "Read before trusting the numbers")
    return join(
        title, element("div", items([celsius(text) for text in report.warnings]), class_="warnings")
    )


def basis(report: Report) -> Html:
    """List what was taken for granted."""
    if not report.assumptions:
        return element("p", "None.")
    return items([celsius(text) for text in report.assumptions])


def sources(report: Report) -> Html:
    """List where the numbers come from."""
    return items(report.sources)


def versions() -> Html:
    """Name the program and the libraries under it."""
    found = [("cryosim", __version__), ("result format", FORMAT_VERSION)]
    found += [("Python", platform.python_version())]
    found += [(name, metadata.version(name)) for name in _LIBRARIES]
    return element("p", ", ".join(f"{name} {version}" for name, version in found))


def _point(at_mm: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.1f}" for value in at_mm)


def _drive(needle: Probe | Warmer) -> str:
    if isinstance(needle, Warmer):
        words = [f"warm surface of {needle.temperature_c:g} °C"]
    else:
        words = [_cold(needle)]
        if needle.duty < 1:
            words.append(f"{100 * needle.duty:.0f} % duty")
        words += [f"on from {start:g} to {stop:g} min" for start, stop in needle.runs_min]
    if needle.power_limit_w is not None:
        words.append(f"at most {needle.power_limit_w:g} W")
    return "; ".join(words)


def _cold(probe: Probe) -> str:
    by_gas = probe.exchange_w_m2k is not None
    what = f"gas ({probe.exchange_w_m2k:g} W/m²/K)" if by_gas else "surface"
    if probe.curve:
        return f"{what} on a measured curve down to {probe.coldest_c:g} °C"
    after = f", approached with {duration(probe.cool_down_s)}" if probe.cool_down_s else ""
    return f"{what} of {probe.coldest_c:g} °C{after}"
