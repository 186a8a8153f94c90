"""The phantoms by name."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from cryosim.errors import InputError

from . import gel, iliac_metastasis, liver_metastasis, thigh_sarcoma, uniform
from .phantom import Phantom

__all__ = ["build_phantom", "phantom_descriptions", "phantom_names"]

_FIXED: Mapping[str, tuple[Callable[[], Phantom], str]] = {
    "gel": (gel.build_gel, gel.DESCRIPTION),
    "thigh-sarcoma": (thigh_sarcoma.build_thigh_sarcoma, thigh_sarcoma.DESCRIPTION),
    "iliac-metastasis": (iliac_metastasis.build_iliac_metastasis, iliac_metastasis.DESCRIPTION),
    "liver-metastasis": (liver_metastasis.build_liver_metastasis, liver_metastasis.DESCRIPTION),
}


def phantom_descriptions() -> Mapping[str, str]:
    """Return name and one line on every phantom, without building any."""
    told = {name: description for name, (_, description) in _FIXED.items()}
    return MappingProxyType({"uniform": uniform.DESCRIPTION, **told})


def phantom_names() -> tuple[str, ...]:
    """Return the names that `build_phantom` knows."""
    return tuple(phantom_descriptions())


def build_phantom(
    name: str, size_mm: Sequence[float] | None = None, tissue: str | None = None
) -> Phantom:
    """Build a phantom; a second call returns the same images.

    Parameters
    ----------
    name : one of `phantom_names()`.
    size_mm : edge lengths (x, y, z) of the phantom "uniform"; 120, 120, 150 by default.
    tissue : of the phantom "uniform", from the tissue library; "soft-tissue" by default.

    Returns
    -------
    Phantom
        Its plan is a copy of its own that may be edited.

    Raises
    ------
    InputError
        For a name, size or tissue that cannot be used.
    """
    size = None if size_mm is None else tuple(float(edge) for edge in size_mm)
    built = _build(name, size, tissue)
    return dataclasses.replace(built, plan=copy.deepcopy(dict(built.plan)))


@functools.lru_cache(maxsize=8)
def _build(name: str, size_mm: tuple[float, ...] | None, tissue: str | None) -> Phantom:
    if name == "uniform":
        return uniform.build_uniform(size_mm, tissue)
    if name not in _FIXED:
        nearest = difflib.get_close_matches(name, phantom_names(), n=1)
        hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
        raise InputError(
            f"phantom '{name}' is unknown{hint}; there are: {', '.join(phantom_names())}"
        )
    for key, given in (("size_mm", size_mm), ("tissue", tissue)):
        if given is not None:
            raise InputError(f"phantom '{name}': {key} only goes with 'uniform'; remove it")
    return _FIXED[name][0]()
