"""Which tissue a segmented structure is made of, by its name and never by its number."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Literal

__all__ = ["Split", "StructureRule", "rule_of_structure", "tissue_of_structure"]

Split = Literal["", "bone", "gas", "hu"]


@dataclass(frozen=True)
class StructureRule:
    """What fills a structure.

    Attributes
    ----------
    tissue : name in the tissue library; where `split` is set, what is used without a CT.
    split : what Hounsfield units decide inside the structure: nothing (""), which part of a bone
        ("bone"), gas or `tissue` ("gas"), or everything ("hu").
    """

    tissue: str
    split: Split = ""


def rule_of_structure(name: str) -> StructureRule | None:
    """Return the rule for a structure name, None for a name that nobody foresaw.

    Parameters
    ----------
    name : for example a TotalSegmentator class; case, blanks and hyphens do not matter.
    """
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    for pattern, rule in _read_rules():
        if pattern.match(plain):
            return rule
    return None


def tissue_of_structure(name: str) -> str | None:
    """Return the library tissue that a structure is made of, for example for a list.

    Bones answer "bone-cancellous" and hollow organs their wall; see `rule_of_structure` for what
    Hounsfield units then decide voxel by voxel.
    """
    rule = rule_of_structure(name)
    return None if rule is None else rule.tissue


@functools.cache
def _read_rules() -> tuple[tuple[re.Pattern[str], StructureRule], ...]:
    text = resources.files(__package__).joinpath("structures.toml").read_text(encoding="utf-8")
    return tuple(
        (
            re.compile(f"(?:{'|'.join(map(_as_expression, row['names']))})$"),
            StructureRule(row["tissue"], row.get("split", "")),
        )
        for row in tomllib.loads(text)["structure"]
    )


def _as_expression(name: str) -> str:
    """Write a name in which "*" stands for anything; a tenth of what `fnmatch` takes to compile."""
    return ".*".join(map(re.escape, name.split("*")))
