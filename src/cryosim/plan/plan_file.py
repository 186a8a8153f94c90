"""Plan files: TOML or JSON in, one clear sentence when something is wrong."""

from __future__ import annotations

import json
import os
import tomllib
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import InputError, did_you_mean, expect_type
from .plan import Plan

__all__ = ["plan_from_dict", "plan_schema", "read_plan", "write_plan"]


_ALTERNATIVES = ("int", "str")


def read_plan(path: str | Path) -> Plan:
    """Read a plan file.

    Parameters
    ----------
    path : a .toml or .json file with the keys of the plan format.

    Raises
    ------
    InputError
        When the file cannot be read or says something impossible; names the key, the value and
        what is allowed.
    """
    expect_type("read_plan: path", path, (str, Path), "for a dictionary use plan_from_dict")
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"plan {path}: cannot be read ({reason})") from None
    try:
        content = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise InputError(f"plan {path}: not valid {kind}: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"plan {path}: holds a {type(content).__name__}, not a table of sections")
    return plan_from_dict(content, folder=path.parent, name=str(path))


def plan_from_dict(content: dict[str, Any], folder: Path, name: str = "plan") -> Plan:
    """Check plan content that is already in memory.

    Parameters
    ----------
    content : the keys of the plan format. folder : where relative paths start.
    name : how messages call the plan.

    Raises
    ------
    InputError
        As `read_plan`.
    """
    try:
        plan = Plan.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{name}: {_sentence(error)}") from None
    plan._folder = Path(folder)
    return plan


def write_plan(plan: Plan, path: str | Path, folder: str | Path) -> None:
    """Write a plan as JSON that `read_plan` reads.

    Parameters
    ----------
    folder : where the file will lie in the end; the paths in it are relative to that.
    """
    content = plan.model_dump(mode="json", exclude_none=True)
    named = [content["anatomy"], content.get("target", {}), *content["organ_at_risk"]]
    files = {"image", "labels", "label_names", "mask"}
    if plan.anatomy.body_mask is not None:
        files.add("body")
    for section in named:
        for key in files:
            if key in section:
                section[key] = Path(
                    os.path.relpath(plan.folder / section[key], folder)
                ).as_posix()  # fmt: skip
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of plan files, for editors."""
    return Plan.model_json_schema()


def _sentence(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    # Unknown keys first: a misspelt key also shows up as a missing one.
    problems.sort(key=lambda problem: problem["type"] != "extra_forbidden")
    # A list whose only entry is wrong counts as empty as well.
    problems = [p for p in problems if p["type"] != "too_short"] or problems
    by_key: dict[str, Any] = {}
    for problem in problems:
        # A key that takes a number or a name complains once for each.
        parts = [str(part) for part in problem["loc"] if part not in _ALTERNATIVES]
        by_key.setdefault(".".join(parts) or "plan", problem)
    return "; also ".join(_explain(problem, where) for where, problem in by_key.items())


def _explain(problem: Any, where: str) -> str:
    kind, given = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        known = _keys_at(problem["loc"][:-1])
        unknown = str(problem["loc"][-1])
        hint = did_you_mean(unknown, known)
        return f"{where} is not a known key{hint}; known: {', '.join(known)}"
    if kind == "missing":
        return f"{where} is missing; add it"
    if kind == "tuple_type" and isinstance(given, dict):
        return f"{where} is a list: write [[{where}]] with double brackets"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if kind == "value_error":
        return f"{where}: {message}"
    return f"{where} = {_short(given)}: {message[:1].lower()}{message[1:]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys_at(location: Sequence[Any]) -> list[str]:
    model: Any = Plan
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if _is_model(model) else None
        if field is None:
            return []
        model = _model_within(field.annotation)
    return list(model.model_fields) if _is_model(model) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _model_within(annotation: Any) -> Any:
    """Find the section model inside `tuple[Model, ...]`, `Model | None` and the like."""
    if _is_model(annotation):
        return annotation
    if typing.get_origin(annotation) is None and not isinstance(annotation, types.UnionType):
        return None
    found = (_model_within(part) for part in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
