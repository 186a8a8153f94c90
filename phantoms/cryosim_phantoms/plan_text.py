"""A plan as TOML that people like to read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["plan_as_toml"]

# Said where the key stands for the first time.
_COMMENTS = {
    "anatomy.image": "NIfTI file or DICOM folder; paths are relative to this file",
    "anatomy.labels": "structure of every voxel, with names in its header",
    "anatomy.tissues": "label -> tissue of the library, where the name does not tell",
    "target.label": "name or value in the label map",
    "target.margin_mm": "how far the ice shall reach beyond the target, everywhere",
    "organ_at_risk.min_temperature_c": "no part of it may become colder",
    "probe.model": 'see "cryosim list probes"',
    "probe.tip_mm": "LPS millimeters; the active part starts at the tip",
    "probe.entry_mm": "any point up the shaft",
    "protocol.preset": 'see "cryosim list protocols"; or text = "freeze 20 min; thaw 10 min"',
    "protocol.text": "a thaw is passive unless it says active",
    "grid.spacing_mm": "edge of a simulated voxel; 2.0 is several times faster, less exact",
    "body.temperature_c": "of everything at the start, and of the outer faces",
}
_BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+$")


def plan_as_toml(plan: Mapping[str, Any], heading: str) -> str:
    """Return a plan in the plan file's keys as commented TOML.

    Parameters
    ----------
    plan : sections, which hold values, lists and at most one level of tables below them.
    heading : lines to open the file with, as comments.
    """
    told: set[str] = set()
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    for section, content in plan.items():
        for table in content if isinstance(content, list) else [content]:
            brackets = f"[[{section}]]" if isinstance(content, list) else f"[{section}]"
            lines += ["", brackets, *_table_lines(section, table, told)]
    return "\n".join(lines) + "\n"


def _table_lines(section: str, table: Mapping[str, Any], told: set[str]) -> list[str]:
    """Return the values of a table, then the tables in it."""
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    assignments = [(f"{section}.{key}", f"{_key(key)} = {_value(v)}") for key, v in plain.items()]
    lines = [_with_comment(path, text, told) for path, text in assignments]
    for key, value in table.items():
        if isinstance(value, Mapping):
            path = f"{section}.{key}"
            lines += ["", _with_comment(path, f"[{section}.{_key(key)}]", told)]
            lines += _table_lines(path, value, told)
    return lines


def _with_comment(path: str, text: str, told: set[str]) -> str:
    if path not in _COMMENTS or path in told:
        return text
    told.add(path)
    return f"{text:<34}  # {_COMMENTS[path]}"


def _key(name: str) -> str:
    return name if _BARE_KEY.match(name) else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(item) for item in value)}]"
    # Strings, numbers and booleans are written alike in JSON and TOML.
    return json.dumps(value)
