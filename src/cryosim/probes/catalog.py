"""The probe catalog: bundled rows with a source per number.

A source is a sentence with keys of the catalog's source table in square brackets; one that starts
with "assumption" is named in every report that used the number.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, Protocol

from ..errors import InputError, did_you_mean
from ..sources import PLAN_SOURCE, bibliography
from .probe_model import NUMBERS, ProbeModel

__all__ = ["citations", "find_model", "read_catalog", "sources_of"]


# What drives a probe in place besides the numbers of a catalog row.
_ONLY_IN_PLANS = ("curve", "active_thaw_power_w")


class PlacedProbe(Protocol):
    """A probe in place: says which catalog row it is, and has the row's numbers as attributes."""

    @property
    def model(self) -> str: ...


@functools.cache
def read_catalog() -> Mapping[str, ProbeModel]:
    """Read the bundled catalog: name to model, in the catalog's order."""
    content = _read_content()
    rows = {name: {**content["default"], **row} for name, row in content["probe"].items()}
    return MappingProxyType({name: _model_of_row(name, row) for name, row in rows.items()})


def find_model(name: str) -> ProbeModel:
    """Return a model by name; case, blanks and underscores do not matter.

    Raises
    ------
    InputError
        When the catalog has none of that name, with the nearest one and all names.
    """
    catalog = read_catalog()
    plain = re.sub(r"[\s_]+", "-", name.strip().lower())
    if plain in catalog:
        return catalog[plain]
    raise InputError(
        f"probe model '{name}' is not in the catalog{did_you_mean(plain, catalog)}; "
        f"it holds: {', '.join(catalog)}"
    )


def sources_of(probe: ProbeModel | PlacedProbe) -> dict[str, str]:
    """Return where each number of a model, or of a probe in place, comes from.

    A number of a probe in place that differs from its catalog row is the plan's assumption.
    """
    if isinstance(probe, ProbeModel):
        return dict(probe.sources)
    row = read_catalog().get(probe.model)
    known = {} if row is None else row.sources
    found = {
        key: known[key]
        if row is not None and getattr(probe, key) == getattr(row, key)
        else PLAN_SOURCE
        for key in NUMBERS
        if getattr(probe, key) is not None
    }
    stated = [key for key in _ONLY_IN_PLANS if getattr(probe, key, None)]
    return {**found, **dict.fromkeys(stated, PLAN_SOURCE)}


def citations(probes: Iterable[ProbeModel | PlacedProbe]) -> list[str]:
    """Return the bibliography of `probes`: each citation once, sorted; assumptions cite nothing."""
    table: Mapping[str, str] = _read_content()["sources"]
    return bibliography((s for probe in probes for s in sources_of(probe).values()), table)


@functools.cache
def _read_content() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("catalog.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _model_of_row(name: str, row: Mapping[str, Any]) -> ProbeModel:
    numbers = {key: entry for key, entry in row.items() if key != "description"}
    return ProbeModel(
        name=name,
        description=row["description"],
        sources={key: entry["source"] for key, entry in sorted(numbers.items())},
        ranges={key: tuple(one["range"]) for key, one in numbers.items() if "range" in one},
        **{key: float(entry["value"]) for key, entry in numbers.items()},
    )
