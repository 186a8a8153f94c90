"""Where a number comes from: the wording that tissue library and probe catalog share.

A source is a sentence with keys of the file's source table in square brackets, for example
``derived: 1000 kg/m3 x 3600 J/kg/K [micromachines-2025]``. One that starts with "assumption" is
named in every report that used the number; "calibrated" was found from published measurements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["ASSUMPTION", "PLAN_SOURCE", "bibliography", "how_well_known", "is_assumption"]

ASSUMPTION = "assumption"
PLAN_SOURCE = f"{ASSUMPTION}: plan"

# What a source may begin with, the longer first.
_KNOWN = {
    f"{ASSUMPTION}: weakly known": "weakly",
    ASSUMPTION: "assumed",
    "calibrated": "fitted",
    "derived": "computed",
}
_KEY = re.compile(r"\[([a-z0-9-]+)\]")


def is_assumption(source: str) -> bool:
    """Tell whether a number rests on an assumption instead of a source."""
    return source.lower().startswith(ASSUMPTION)


def how_well_known(source: str) -> str:
    """Return in a word how well a number is known, by how its source begins.

    "published", "computed" from what is, "fitted" to published measurements, "assumed", "weakly".
    """
    begins = source.lower()
    for beginning, words in _KNOWN.items():
        if begins.startswith(beginning):
            return words
    return "published"


def bibliography(sources: Iterable[str], table: Mapping[str, str]) -> list[str]:
    """Return the citations behind source sentences, each once, sorted.

    Sentences without keys are citations themselves, unless they are assumptions or derivations.
    """
    found: set[str] = set()
    for source in sources:
        keys = [key for key in _KEY.findall(source) if key in table]
        found.update(f"[{key}] {table[key]}" for key in keys)
        if not keys and not source.lower().startswith(tuple(_KNOWN)):
            found.add(source)
    return sorted(found)
