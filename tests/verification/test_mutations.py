"""The verification cases notice wrong physics: each piece that is taken away makes one fail.

The kernels' source stays as it is; the table they read, the coupling they are given, or the stage
they take is replaced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cryosim.simulation import near_zone
from cryosim.simulation import state as state_module
from cryosim_kernels import bioheat, near, tissue_rows
from evidence import Check, Evidence
from verification import marching
from verification.case_energy_ledger import RUNS
from verification.case_energy_ledger import study as study_ledger
from verification.case_freezing_slab import (
    FRONTS,
    ICE_SLABS,
    MUSHY_SLABS,
    study_fronts,
    study_profiles,
)
from verification.case_grid_symmetry import asymmetry_c
from verification.case_layered_slab import study as study_layers
from verification.case_line_sink import SINKS
from verification.case_line_sink import study as study_line_sink
from verification.case_manufactured import study as study_manufactured
from verification.case_point_source import study as study_point_source
from verification.case_steady_perfused import CYLINDERS, SPHERES
from verification.case_steady_perfused import study as study_perfused

Study = Callable[[], Evidence]
Patch = pytest.MonkeyPatch

# Whole cases, or the part of one that is quick and has limits to miss.
STUDIES: dict[str, Study] = {
    "front": lambda: study_fronts(FRONTS[-1:]),
    "mushy": lambda: study_profiles(MUSHY_SLABS[-1:]),
    "ice law": lambda: study_profiles(ICE_SLABS),
    "manufactured": study_manufactured,
    "layers": lambda: study_layers((4.0, 2.0)),
    "perfused sphere": lambda: study_perfused(SPHERES),
    "perfused cylinder": lambda: study_perfused(
        [dataclasses.replace(CYLINDERS[-1], grids_mm=(2.0, 1.0))]
    ),
    "point source": lambda: study_point_source((2.0, 1.0), (600.0,)),
    "line sink": lambda: study_line_sink(SINKS[-1:], (2.0, 1.0)),
    "ledger": lambda: study_ledger(RUNS[:1]),
    "whole-grid ledger": lambda: study_ledger(RUNS[2:3]),
    "symmetry": lambda: Evidence((Check("asymmetry", asymmetry_c(), 0, 1e-3, "C"),)),
}


def without_latent_heat(table: Any) -> None:
    mushy, slope = column(table, "mushy_energy"), column(table, "mushy_slope")
    width = mushy * slope
    k_rise = column(table, "k_slope") * mushy
    sensible = 0.5 * (column(table, "c_solidus") + 1 / column(table, "inverse_rho_c_unfrozen"))
    sensible = sensible * width
    for name, values in (
        ("mushy_energy", sensible),
        ("mushy_slope", width / sensible),
        ("inverse_mushy_energy", 1 / sensible),
        ("k_slope", k_rise / sensible),
    ):
        column(table, name)[...] = values


def without_perfusion(table: Any) -> None:
    column(table, "blood_coefficient")[...] = 0.0


def with_reversed_perfusion(table: Any) -> None:
    column(table, "blood_coefficient")[...] *= -1.0


def with_reversed_metabolism(table: Any) -> None:
    column(table, "metabolism")[...] *= -1.0


def with_constant_ice_conductivity(table: Any) -> None:
    column(table, "k_fall")[...] = 0.0


def with_constant_ice_capacity(table: Any) -> None:
    column(table, "c_slope")[...] = 0.0


def column(table: Any, name: str) -> Any:
    return table[:, tissue_rows.COLUMNS.index(name)]


def mutate_table(patch: Patch, change: Callable[[Any], None]) -> None:
    build = state_module.tissue_table

    def changed(*arguments: Any) -> Any:
        table, assumptions = build(*arguments)
        change(table)
        return table, assumptions

    patch.setattr(state_module, "tissue_table", changed)


def mutate_coupling(patch: Patch, factor: float) -> None:
    couple = marching.couple

    def changed(*arguments: Any) -> Any:
        found = couple(*arguments)
        return dataclasses.replace(found, lengths_m=factor * found.lengths_m)

    patch.setattr(marching, "couple", changed)


def mutate_power(patch: Patch, factor: float) -> None:
    drives = marching.Drives

    class Changed(drives):  # type: ignore[misc, valid-type]
        def switch(self, time_s: float) -> None:
            super().switch(time_s)
            self._state.drives[:, 2] *= factor

    patch.setattr(marching, "Drives", Changed)


def plain_stage(between: str = "harmonic", within: str = "kirchhoff", east: float = 1.0) -> Any:
    """`bioheat.advance_stage` in NumPy.

    Parameters
    ----------
    between, within : mean of the conductivities of two tissues, and of voxels of one.
    east : weight of the flux through the faces towards higher i, seen from the voxel below only.
    """

    def stage(
        index: Any,
        temperature: Any,
        resistivity: Any,
        potential: Any,
        source: Any,
        inverse_spacing_squared: Any,
        weights: Any,
        start: Any,
        start_rate: Any,
        previous: Any,
        target: Any,
    ) -> None:
        inner = state_module.INNER
        rate = source[inner].copy()
        for axis, inverse in zip((2, 1, 0), inverse_spacing_squared, strict=True):
            for step in (-1, 1):
                cells = [slice(1, -1)] * 3
                cells[axis] = slice(1 + step, temperature.shape[axis] - 1 + step)
                there = tuple(cells)
                rise = temperature[there] - temperature[inner]
                here_r, there_r = resistivity[inner], resistivity[there]
                harmonic = 2.0 * rise / (here_r + there_r)
                arithmetic = 0.5 * rise * (1 / here_r + 1 / there_r)
                tissues = np.maximum(index[inner], index[there]) < tissue_rows.CLOSED
                flux = np.where(tissues & (between == "arithmetic"), arithmetic, harmonic)
                if within == "kirchhoff":
                    same = index[inner] == index[there]
                    flux = np.where(same, potential[there] - potential[inner], flux)
                weight = east if axis == 2 and step == 1 else 1.0
                rate += weight * inverse * flux
        mu, nu, rate_weight, start_weight = weights
        target[inner] = (
            mu * previous[inner]
            + nu * target[inner]
            + (1 - mu - nu) * start[inner]
            + rate_weight * rate
            + start_weight * start_rate[inner]
        )

    return stage


def mutate_near_links(patch: Patch) -> None:
    """Close the way east in the near zone: heat comes in from a voxel that does not lose it."""
    find_links = near.find_links

    def changed(index: Any, links: Any) -> None:
        find_links(index, links)
        links[..., links.shape[2] // 2] &= 0b111101

    patch.setattr(near, "find_links", changed)


def mutate_rim(patch: Patch, factor: float) -> None:
    """Let the near zone take more through its rim than far tissue gives."""
    find_rim = near_zone.NearZone._find_rim

    def changed(zone: Any, state: Any) -> near.Rim:
        rim = find_rim(zone, state)
        return rim._replace(conductances=rim.conductances * np.float32(factor))

    patch.setattr(near_zone.NearZone, "_find_rim", changed)


def mutate_stage(patch: Patch, **how: Any) -> None:
    patch.setattr(bioheat, "advance_stage", plain_stage(**how))


MUTATIONS: list[tuple[str, str, Callable[[Patch], None]]] = [
    ("latent heat dropped", "front", lambda p: mutate_table(p, without_latent_heat)),
    ("latent heat dropped", "mushy", lambda p: mutate_table(p, without_latent_heat)),
    ("latent heat dropped", "line sink", lambda p: mutate_table(p, without_latent_heat)),
    ("perfusion dropped", "perfused sphere", lambda p: mutate_table(p, without_perfusion)),
    ("perfusion dropped", "perfused cylinder", lambda p: mutate_table(p, without_perfusion)),
    ("perfusion dropped", "point source", lambda p: mutate_table(p, without_perfusion)),
    ("perfusion reversed", "point source", lambda p: mutate_table(p, with_reversed_perfusion)),
    ("metabolism reversed", "point source", lambda p: mutate_table(p, with_reversed_metabolism)),
    ("k of ice constant", "ice law", lambda p: mutate_table(p, with_constant_ice_conductivity)),
    ("c of ice constant", "ice law", lambda p: mutate_table(p, with_constant_ice_capacity)),
    (
        "k of ice constant",
        "manufactured",
        lambda p: mutate_table(p, with_constant_ice_conductivity),
    ),
    ("c of ice constant", "manufactured", lambda p: mutate_table(p, with_constant_ice_capacity)),
    ("arithmetic mean", "layers", lambda p: mutate_stage(p, between="arithmetic")),
    ("no Kirchhoff potential", "mushy", lambda p: mutate_stage(p, within="harmonic")),
    ("lopsided flux", "whole-grid ledger", lambda p: mutate_stage(p, east=0.9999)),
    ("lopsided flux in the near zone", "symmetry", mutate_near_links),
    ("lopsided flux in the near zone", "ledger", mutate_near_links),
    ("lopsided flux through the rim", "ledger", lambda p: mutate_rim(p, 1.001)),
    ("loose coupling", "perfused cylinder", lambda p: mutate_coupling(p, 0.7)),
    ("tenth of the power lost", "line sink", lambda p: mutate_power(p, 0.9)),
]


@pytest.mark.parametrize("name", STUDIES)
def test_the_right_physics_meets_the_checks(name: str):
    assert [check for check in STUDIES[name]().checks if not check.met] == []


def test_the_plain_stage_with_the_right_means_meets_them_too(monkeypatch: Patch):
    mutate_stage(monkeypatch)
    assert all(check.met for check in STUDIES["layers"]().checks)
    assert all(check.met for check in STUDIES["mushy"]().checks)


@pytest.mark.parametrize(
    ("study", "mutate"),
    [pytest.param(study, mutate, id=f"{what}, {study}") for what, study, mutate in MUTATIONS],
)
def test_wrong_physics_fails(study: str, mutate: Callable[[Patch], None], monkeypatch: Patch):
    mutate(monkeypatch)
    assert any(not check.met for check in STUDIES[study]().checks)
