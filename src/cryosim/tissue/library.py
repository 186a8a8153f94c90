"""The tissue library: bundled rows, a plan's own tissues, and the bibliography of both.

A source is a sentence with keys of the library's source table in square brackets, for example
``derived: 1000 kg/m3 x 3600 J/kg/K [micromachines-2025]``. One that starts with "assumption" is
named in every report that used the number.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any

from ..errors import InputError, did_you_mean
from ..sources import ASSUMPTION, PLAN_SOURCE, bibliography
from .hosts import HOST
from .tissue_grid import Tissue

__all__ = ["TissueLibrary", "citations", "define_tissue", "library_with", "read_library"]

NUMBER_KEYS = tuple(f.name for f in dataclasses.fields(Tissue) if f.type in ("float", float))
REQUIRED_KEYS = tuple(
    f.name
    for f in dataclasses.fields(Tissue)
    if f.type in ("float", float) and f.default is dataclasses.MISSING
)
OTHER_KEYS = ("heat_sink", "frozen_law")
ROW_KEYS = (*OTHER_KEYS, "flow_of")
ALLOWED_KEYS = ("name", "base", "source", *OTHER_KEYS, *NUMBER_KEYS)


@dataclass(frozen=True, eq=False)
class TissueLibrary(Mapping[str, Tissue]):
    """Tissues by name; "Soft tissue" and "soft_tissue" find "soft-tissue".

    Attributes
    ----------
    tissues : name to tissue, in the library's order.
    aliases : other names of the same tissues, for example "air" of "gas".
    source_table : source key to full citation.
    """

    tissues: Mapping[str, Tissue]
    aliases: Mapping[str, str] = field(default_factory=dict)
    source_table: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("tissues", "aliases", "source_table"):
            object.__setattr__(self, key, MappingProxyType(dict(getattr(self, key))))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tissues, without aliases."""
        return tuple(self.tissues)

    def __getitem__(self, name: str) -> Tissue:
        """Return a tissue by name or alias.

        Raises
        ------
        InputError
            When there is none, with the nearest name and all names.
        """
        known = self.find_name(name)
        if known is None:
            raise InputError(
                f"tissue '{name}' is not in the library{did_you_mean(name, self._all_names())}; "
                f"it holds: {', '.join(self.names)}"
            )
        return self.tissues[known]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find_name(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.tissues)

    def __len__(self) -> int:
        return len(self.tissues)

    def find_name(self, name: str) -> str | None:
        """Return the library's spelling of a tissue name or alias; None where there is none."""
        if name in self.tissues:
            return name
        plain = re.sub(r"[\s_]+", "-", name.strip().lower())
        plain = self.aliases.get(plain, plain)
        return plain if plain in self.tissues else None

    def with_tissues(self, tissues: Iterable[Tissue]) -> TissueLibrary:
        """Return a library in which `tissues` are added, or replace those of the same name."""
        added = {tissue.name: tissue for tissue in tissues}
        return dataclasses.replace(
            self,
            tissues={**self.tissues, **added},
            aliases={alias: name for alias, name in self.aliases.items() if alias not in added},
        )

    def _all_names(self) -> tuple[str, ...]:
        return (*self.tissues, *self.aliases)


@functools.cache
def read_library() -> TissueLibrary:
    """Read the bundled library; every number in it has a source."""
    text = resources.files(__package__).joinpath("library.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    given = content["tissue"]
    rows = {
        name: {**content["default"], **given.get(row.get("base"), {}), **row}
        for name, row in given.items()
    }
    return TissueLibrary(
        tissues={name: _tissue_of_row(name, row) for name, row in rows.items()},
        aliases=content["aliases"],
        source_table=content["sources"],
    )


def define_tissue(definition: Mapping[str, object], library: TissueLibrary) -> Tissue:
    """Make a tissue from a plan's ``[[tissue]]`` table.

    Parameters
    ----------
    definition : `name`, the numbers of `Tissue`, `heat_sink`, `frozen_law`; `base` names a
        tissue of the library that fills what is left out; `source` says where the numbers given
        here come from.
    library : where `base` is looked up.

    Returns
    -------
    Tissue
        Numbers given without `source` are marked "assumption: plan"; inherited ones keep their
        source and their range.

    Raises
    ------
    InputError
        For an unknown key, an unknown base, a missing number or a value of the wrong kind.
    """
    name = _text_of(definition, "name", "a [[tissue]] of the plan")
    owner = f"tissue '{name}'"
    for key in definition:
        if key not in ALLOWED_KEYS:
            raise InputError(
                f"{owner}: unknown key '{key}'{did_you_mean(key, ALLOWED_KEYS)}; "
                f"allowed: {', '.join(ALLOWED_KEYS)}"
            )
    source = _text_of(definition, "source", owner) if "source" in definition else PLAN_SOURCE
    numbers = {key: _number_of(definition, key, owner) for key in NUMBER_KEYS if key in definition}
    given: dict[str, Any] = dict(numbers)
    if "heat_sink" in definition:
        if not isinstance(definition["heat_sink"], bool):
            raise InputError(
                f"{owner}: heat_sink = {definition['heat_sink']!r} must be true or false"
            )
        given["heat_sink"] = definition["heat_sink"]
    if "frozen_law" in definition:
        given["frozen_law"] = _text_of(definition, "frozen_law", owner)
    sources = dict.fromkeys(numbers, source)
    if "base" in definition:
        base = library[_text_of(definition, "base", owner)]
        ranges = {key: found for key, found in base.ranges.items() if key not in numbers}
        if "perfusion_1_s" in numbers:
            given["flow_of"] = ""
        if "host_flow_share" in numbers and (given.get("flow_of", base.flow_of) != HOST):
            raise InputError(
                f"{owner}: host_flow_share is of a tumor without a perfusion_1_s of its own; "
                f'leave one of them out, or say base = "tumor"'
            )
        return dataclasses.replace(
            base, name=name, sources={**base.sources, **sources}, ranges=ranges, **given
        )
    missing = [key for key in REQUIRED_KEYS if key not in definition]
    if missing:
        raise InputError(
            f'{owner}: {", ".join(missing)} missing; add them, or base = "muscle" (any tissue of '
            "the library) to inherit the rest"
        )
    defaults = {
        key: f"{ASSUMPTION}: default of a tissue that the plan defines"
        for key in NUMBER_KEYS
        if key not in numbers
    }
    return Tissue(name=name, sources={**defaults, **sources}, **given)


def library_with(definitions: Iterable[Mapping[str, object]]) -> TissueLibrary:
    """Return the bundled library with the tissues of a plan, see `define_tissue`."""
    library = read_library()
    for definition in definitions:
        library = library.with_tissues([define_tissue(definition, library)])
    return library


def citations(tissues: Iterable[Tissue], library: TissueLibrary | None = None) -> list[str]:
    """Return the bibliography of `tissues`: each citation once, sorted; assumptions cite nothing.

    Parameters
    ----------
    library : holds the citations of the keys in brackets; the bundled library by default.
    """
    table = (library or read_library()).source_table
    return bibliography((source for t in tissues for source in t.sources.values()), table)


def _tissue_of_row(name: str, row: Mapping[str, Any]) -> Tissue:
    numbers = {key: entry for key, entry in row.items() if key not in (*ROW_KEYS, "base")}
    values: dict[str, Any] = {key: float(entry["value"]) for key, entry in numbers.items()}
    sources = {key: entry["source"] for key, entry in numbers.items()}
    others = {key: row[key] for key in ROW_KEYS if key in row}
    ranges = {key: tuple(entry["range"]) for key, entry in numbers.items() if "range" in entry}
    return Tissue(name=name, sources=sources, ranges=ranges, **others, **values)


def _text_of(definition: Mapping[str, object], key: str, owner: str) -> str:
    value = definition.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{owner}: {key} = {value!r} must be text")
    return value


def _number_of(definition: Mapping[str, object], key: str, owner: str) -> float:
    value = definition[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{owner}: {key} = {value!r} must be a number")
    return float(value)
