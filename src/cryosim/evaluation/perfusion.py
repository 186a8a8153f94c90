"""Whether blood decided the result: the most consequential choice of a bioheat model.

Perfusion of resting tissue in a table is up to a hundred times what models of cryosurgery use, and
the ice differs by centimeters between the two.
"""

from __future__ import annotations

import numpy as np

from ..simulation import Result, flowing_s
from ..tissue import Tissue
from .curves import heat_taken_out_j

__all__ = ["perfusion_warnings"]

_DECIDES = 0.15  # share of the probes' heat that came from blood
_DECIDES_REFREEZING = 0.05
# Tissues that gave less than this share of the blood's heat are not named.
_NAMED = 0.05


def perfusion_warnings(result: Result) -> list[str]:
    """Say so when blood gave much of the heat that the probes took out, and what to try."""
    taken = heat_taken_out_j(result)
    share = (result.energy.blood_j - _resting_j(result)) / taken if taken > 0 else 0.0
    plan, found = result.plan, []
    scale = plan.perfusion.scale
    if share >= _DECIDES:
        found.append(
            f"blood gave {100 * share:.0f} % of the heat that the probes took out: perfusion "
            f"decides this result ({'; '.join(_used(result))}); run again with perfusion.scale = "
            f"{scale / 2:g} and {scale * 2:g}"
        )
    freezes = sum(stage.kind == "freeze" for stage in plan.protocol.stages)
    if share >= _DECIDES_REFREEZING and freezes > 1 and plan.perfusion.stays_off_after_freezing:
        found.append(
            f"blood gave {100 * share:.0f} % of the heat that the probes took out, and stays away "
            f"from tissue once frozen, so that freeze 2 of {freezes} meets less of it; run again "
            "with perfusion.stays_off_after_freezing = false"
        )
    return found


def _resting_j(result: Result) -> float:
    """Heat that blood gives to a body that is colder than it, without any probe, at most."""
    tissue, plan = result.tissue, result.plan
    counts = np.bincount(tissue.index.ravel(), minlength=len(tissue.tissues))
    watts_per_m3 = [
        known.perfusion_1_s
        * plan.perfusion.scale
        * known.rho_c_blood_j_m3k
        * (known.arterial_c - plan.body.temperature_c)
        for known in tissue.tissues
    ]
    volume_m3 = tissue.grid.cell_volume_ml * 1e-6
    return float(counts @ (np.array(watts_per_m3) * flowing_s(plan, tissue))) * volume_m3


def _used(result: Result) -> list[str]:
    """Perfusion of the tissues whose blood gave most, with what the library holds possible."""
    tissue, scale = result.tissue, result.plan.perfusion.scale
    cooled = np.maximum(result.plan.body.temperature_c - result.coldest_c, 0.0)
    kelvins = np.bincount(tissue.index.ravel(), cooled.ravel(), minlength=len(tissue.tissues))
    flows = np.array([known.perfusion_1_s for known in tissue.tissues])
    weights = kelvins * flows * flowing_s(result.plan, tissue)
    order = sorted(range(len(weights)), key=lambda number: -weights[number])
    named = [n for n in order if weights[n] > _NAMED * sum(weights)]
    return [_words(tissue.tissues[number], scale) for number in named]


def _words(tissue: Tissue, scale: float) -> str:
    words = f"{tissue.name} {tissue.perfusion_1_s * scale:.2g} 1/s"
    if "perfusion_1_s" not in tissue.ranges:
        return f"{words}, no range known"
    low, high = tissue.ranges["perfusion_1_s"]
    return f"{words}, {low:.2g} to {high:.2g} in the library"
