"""Tissues that are otherwise than a run has them, within the range that each of them has."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from .hosts import HOST
from .tissue_grid import Tissue, TissueGrid

__all__ = ["TissueVariation", "flows_in_reach", "flows_without_range", "tissue_variations"]

F32 = NDArray[np.float32]

_Number = Literal["perfusion_1_s", "k_frozen_w_mk"]
_End = Literal["lower", "upper"]

FLOW: Final = "perfusion_1_s"
FROZEN_CONDUCTION: Final = "k_frozen_w_mk"
_ENDS: tuple[_End, ...] = ("lower", "upper")
# So many flows are varied, each if it matters at least so much beside the others.
_MOST_FLOWS, _LEAST_SHARE = 3, 0.05
_FROZEN_C = 0.0


@dataclass(frozen=True)
class TissueVariation:
    """One end of a range.

    Attributes
    ----------
    number : "perfusion_1_s", of a tissue and all that have its flow, or "k_frozen_w_mk", of all
        tissues: how well ice conducts is uncertain for all of them in the same way.
    end : of the range. of : whose flow it is; empty for conduction.
    """

    number: _Number
    end: _End
    of: str = ""

    @property
    def where(self) -> str:
        """The variation in words, such as "at the upper end of liver's blood flow"."""
        if self.number == FROZEN_CONDUCTION:
            return f"at the {self.end} end of frozen tissue's conduction"
        return f"at the {self.end} end of {self.of}'s blood flow"

    @property
    def makes_less_ice(self) -> bool:
        """Whether there is less ice at this end than in the middle."""
        return (self.number == FLOW) == (self.end == "upper")

    def applied(self, tissues: Sequence[Tissue]) -> tuple[Tissue, ...]:
        """Return the tissues at this end; metabolism goes with flow, as in the library."""
        return tuple(self._changed(tissue) if self._is_of(tissue) else tissue for tissue in tissues)

    def amount(self, tissues: Sequence[Tissue], perfusion_scale: float) -> str:
        """Write the flow at this end as a plan has it; nothing of conduction, which is of many."""
        flows = {
            known.name: known for known in tissues if self.number == FLOW and self._is_of(known)
        }
        if not flows:
            return ""
        host = flows.get(self.of, next(iter(flows.values())))
        return f"{self._value(host) * perfusion_scale:.3g} 1/s"

    def _is_of(self, tissue: Tissue) -> bool:
        ranged = self.number in tissue.ranges
        return ranged and (self.number == FROZEN_CONDUCTION or _whose_flow(tissue) == self.of)

    def _value(self, tissue: Tissue) -> float:
        low, high = tissue.ranges[self.number]
        return low if self.end == "lower" else high

    def _changed(self, tissue: Tissue) -> Tissue:
        value = self._value(tissue)
        if self.number == FROZEN_CONDUCTION:
            return dataclasses.replace(tissue, k_frozen_w_mk=value)
        # So that resting tissue stays at blood temperature.
        share = value / tissue.perfusion_1_s if tissue.perfusion_1_s > 0 else 1.0
        warmth = tissue.metabolism_w_m3 * share
        return dataclasses.replace(tissue, perfusion_1_s=value, metabolism_w_m3=warmth)


def tissue_variations(
    tissue: TissueGrid, coldest_c: F32, body_c: float
) -> tuple[TissueVariation, ...]:
    """Return both ends of the ranges that may matter, the flow in the target and its host first.

    Other flows follow by the width of their range times how much of the tissue was cooled by how
    much; those of less than a twentieth of all are left out, and those beyond the third. The
    conduction of ice comes last.

    Parameters
    ----------
    coldest_c : (k, j, i), the coldest each voxel has been. body_c : that it began with.
    """
    flows = _flows(tissue, _cooled(tissue, coldest_c, body_c))
    found = [TissueVariation(FLOW, end, name) for name in flows for end in _ENDS]
    if (coldest_c <= _FROZEN_C).any():
        found += [TissueVariation(FROZEN_CONDUCTION, end) for end in _ENDS]
    # Some tissues lie at an end of their range already.
    return tuple(one for one in found if one.applied(tissue.tissues) != tissue.tissues)


def flows_without_range(tissue: TissueGrid, coldest_c: F32, body_c: float) -> tuple[Tissue, ...]:
    """Return the cooled tissues whose flow matters, but is varied by nobody: it has no range."""
    return tuple(
        known for known in _that_matter(tissue, coldest_c, body_c) if FLOW not in known.ranges
    )


def flows_in_reach(tissue: TissueGrid, coldest_c: F32, body_c: float) -> tuple[Tissue, ...]:
    """Return the cooled tissues whose flow matters and has a range."""
    return tuple(known for known in _that_matter(tissue, coldest_c, body_c) if FLOW in known.ranges)


def _that_matter(tissue: TissueGrid, coldest_c: F32, body_c: float) -> list[Tissue]:
    """Return the tissues that have a share of what blood may give, by flow times kelvins."""
    kelvins = _cooled(tissue, coldest_c, body_c)
    weights = kelvins * np.array([known.perfusion_1_s for known in tissue.tissues])
    return [
        known
        for known, weight in zip(tissue.tissues, weights, strict=True)
        if weight > _LEAST_SHARE * weights.sum()
    ]


def _cooled(tissue: TissueGrid, coldest_c: F32, body_c: float) -> NDArray[np.float64]:
    """Kelvins of all voxels of each tissue below the body's temperature, summed."""
    cooled = np.maximum(body_c - coldest_c, 0.0)
    kelvins = np.bincount(tissue.index.ravel(), cooled.ravel(), minlength=len(tissue.tissues))
    return kelvins.astype(np.float64)


def _flows(tissue: TissueGrid, kelvins: NDArray[np.float64]) -> list[str]:
    """Name whose flows are varied, the most important first."""
    weights: dict[str, float] = {}
    for known, kelvin in zip(tissue.tissues, kelvins, strict=True):
        low, high = known.ranges.get(FLOW, (0.0, 0.0))
        if high > low and kelvin > 0.0:
            name = _whose_flow(known)
            weights[name] = weights.get(name, 0.0) + float(kelvin) * (high - low)
    own = _in_target(tissue)
    least = _LEAST_SHARE * sum(weights.values())
    order = sorted(weights, key=lambda name: (name != own, -weights[name]))
    return [name for name in order if name == own or weights[name] >= least][:_MOST_FLOWS]


def _in_target(tissue: TissueGrid) -> str | None:
    """Whose flow the tissue has that fills most of the target."""
    share = tissue.structures.get("target")
    if share is None or not share.any():
        return None
    filled = np.bincount(tissue.index.ravel(), share.ravel(), minlength=len(tissue.tissues))
    return _whose_flow(tissue.tissues[int(filled.argmax())])


def _whose_flow(tissue: Tissue) -> str:
    return tissue.name if tissue.flow_of in ("", HOST) else tissue.flow_of
