"""Hashes that tell whether what was computed before would come out the same today."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..plan import Plan

__all__ = ["digest", "input_fingerprints", "program_fingerprint"]

_PACKAGES = ("cryosim", "cryosim_kernels", "cryosim_phantoms")
# What a simulation and its evaluation do without: an edit there makes none wrong. Formats of what
# is kept have numbers of their own, see `studies.grids.record.FORMAT` and `tasks.journal.FORMAT`.
_NO_PART = (
    "cli",
    "exports",
    "pictures",
    "planning",
    "reporting",
    "results",
    "scene",
    "studies",
    "tasks",
)
_CHUNK_BYTES = 1 << 20


def digest(content: Any) -> str:
    """Hash JSON content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def program_fingerprint(also: Collection[str] = ()) -> str:
    """Hash every source and table that a simulation depends on, and the version of Numba.

    Parameters
    ----------
    also : what counts as well of that which a simulation does without, such as
        ("planning", "tasks") for what the planner computes itself.
    """
    left_out = set(_NO_PART) - set(also)
    found = hashlib.sha256(metadata.version("numba").encode())
    for package in _PACKAGES:
        # Found, not imported: only few rooms may import kernels.
        spec = importlib.util.find_spec(package)
        for root in (spec.submodule_search_locations or []) if spec is not None else []:
            for path in _sources(Path(root), left_out):
                found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _sources(root: Path, left_out: Collection[str]) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml") and path.relative_to(root).parts[0] not in left_out:
            yield path


def input_fingerprints(plan: Plan) -> dict[str, str]:
    """Hash the files that a plan names, by key.

    Raises
    ------
    InputError
        When one cannot be read.
    """
    return {key: _hash_path(key, plan.folder / name) for key, name in _inputs(plan).items()}


def _inputs(plan: Plan) -> dict[str, str]:
    anatomy = plan.anatomy
    named = {
        "anatomy.image": anatomy.image,
        "anatomy.labels": anatomy.labels,
        "anatomy.label_names": anatomy.label_names,
        "anatomy.body": anatomy.body_mask,
        "target.mask": plan.target.mask if plan.target is not None else None,
        **{f"organ_at_risk.{organ.name}.mask": organ.mask for organ in plan.organ_at_risk},
    }
    return {key: name for key, name in named.items() if name is not None}


def _hash_path(key: str, path: Path) -> str:
    """Hash a file, or all files of a folder."""
    found = hashlib.sha256()
    try:
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        for file in files if path.is_dir() else [path]:
            found.update(file.name.encode())
            with file.open("rb") as content:
                while chunk := content.read(_CHUNK_BYTES):
                    found.update(chunk)
    except OSError as error:
        raise InputError(f"{key} = {path}: cannot be read ({error.strerror})") from None
    return found.hexdigest()[:16]
