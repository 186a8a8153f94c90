"""The rules of cell kill: bundled numbers, each with its source."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..sources import bibliography
from ..tissue import Tissue

__all__ = ["DoseResponse", "IsothermRule", "KillRules", "Threshold", "kill_citations", "read_rules"]

F64 = NDArray[np.float64]

_OTHER_TISSUE = "other"


@dataclass(frozen=True)
class IsothermRule:
    """Dead is what was at or below `level_c` for `hold_s` seconds in total."""

    name: str
    level_c: float
    hold_s: float
    source: str


@dataclass(frozen=True)
class Threshold:
    """Dead is what was at or below `level_c`, or `repeated_c` where it froze at least twice."""

    level_c: float
    repeated_c: float
    source: str


@dataclass(frozen=True)
class DoseResponse:
    """Share of cells that dies: plateau / (1 + exp(slope_1_k (T - half_c))), T the coldest."""

    plateau: float
    slope_1_k: float
    half_c: float
    source: str

    def death_share(self, coldest_c: F64) -> F64:
        """Return the share in 0..1 at each coldest temperature."""
        share: F64 = self.plateau * expit(self.slope_1_k * (self.half_c - coldest_c))
        return share


@dataclass(frozen=True)
class KillRules:
    """All rules.

    Attributes
    ----------
    isotherms : one entry each.
    thresholds : by tissue; see `threshold_of`.
    once, thrice : dose-response of one and of three freezes.
    assumptions : what the dose-response takes for granted, by what it is about.
    source_table : source key to full citation.
    """

    isotherms: tuple[IsothermRule, ...]
    thresholds: Mapping[str, Threshold]
    once: DoseResponse
    thrice: DoseResponse
    assumptions: Mapping[str, str]
    source_table: Mapping[str, str]

    def threshold_of(self, tissue: Tissue) -> Threshold:
        """Return the threshold of a tissue, that of other tissues where it has none."""
        return self.thresholds.get(tissue.name, self.thresholds[_OTHER_TISSUE])

    def sources(self, tissues: Iterable[Tissue]) -> dict[str, str]:
        """Where the rules for these tissues come from, by what they are about."""
        sharing: dict[Threshold, list[str]] = {}
        for tissue in tissues:
            if not tissue.is_gas:
                sharing.setdefault(self.threshold_of(tissue), []).append(tissue.name)
        return {
            **{rule.name: rule.source for rule in self.isotherms},
            **{
                f"threshold of {', '.join(names)}, {_levels(threshold)}": threshold.source
                for threshold, names in sharing.items()
            },
            "dose-response of one freeze": self.once.source,
            "dose-response of three freezes": self.thrice.source,
            **{f"dose-response, {about}": source for about, source in self.assumptions.items()},
        }


@functools.cache
def read_rules() -> KillRules:
    """Read the bundled rules."""
    text = resources.files(__package__).joinpath("kill.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    curves = content["dose_response"]
    return KillRules(
        isotherms=tuple(
            IsothermRule(name=name, **_values(row), source=_source(row))
            for name, row in content["isotherm"].items()
        ),
        thresholds={name: _threshold(row) for name, row in content["threshold"].items()},
        once=DoseResponse(**_values(curves["once"]), source=_source(curves["once"])),
        thrice=DoseResponse(**_values(curves["thrice"]), source=_source(curves["thrice"])),
        assumptions=curves["assumptions"],
        source_table=content["sources"],
    )


def kill_citations(tissues: Iterable[Tissue]) -> list[str]:
    """Return the bibliography of the rules for these tissues: each citation once, sorted."""
    rules = read_rules()
    return bibliography(rules.sources(tissues).values(), rules.source_table)


def _values(row: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(entry["value"]) for key, entry in row.items()}


def _source(row: Mapping[str, Any]) -> str:
    """Sources of a row's numbers in one sentence, assumptions first so that they are seen."""
    sources = dict.fromkeys(entry["source"] for entry in row.values())
    return "; ".join(sorted(sources, key=lambda source: source.startswith("[")))


def _threshold(row: Mapping[str, Any]) -> Threshold:
    values = _values(row)
    return Threshold(
        level_c=values["level_c"],
        repeated_c=values.get("repeated_c", values["level_c"]),
        source=_source(row),
    )


def _levels(threshold: Threshold) -> str:
    once, repeated = threshold.level_c, threshold.repeated_c
    return f"{once:g} C" if repeated == once else f"{once:g} C, frozen twice {repeated:g} C"
