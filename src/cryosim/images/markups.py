"""3D Slicer markups (.mrk.json): probes as lines from where they enter to their tips.

Format: https://github.com/Slicer/Slicer, Modules/Loadable/Markups/Resources/Schema, of which Slicer
writes 1.0.3 and reads any 1.x. A file may hold several markups, which Slicer 5 opens all.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, reason_of
from ..geometry import lps_from_ras
from ._naming import named

__all__ = ["ProbeLine", "read_probe_lines", "write_probe_lines"]

PositionMm = tuple[float, float, float]

_ENDING = ".mrk.json"
_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)
_KNOWN_SCHEMA = re.compile(r"markups-schema-v1\.\d+\.\d+\.json#*$", re.IGNORECASE)
# Slicer reads the numbers of old scenes too.
_IS_RAS = {"LPS": False, "1": False, "RAS": True, "0": True}
# In the order in which people place them: of a line the entry first, as planning modules do; in
# lists of points the tip first, as the planner for ablations does (its odd points are tips).
_ORDER = {"Line": ("entry", "tip"), "Fiducial": ("tip", "entry")}
_WORDS = {
    "tip": re.compile(r"(?<![a-z])(tip|target)(?![a-z])", re.IGNORECASE),
    "entry": re.compile(r"(?<![a-z])(entry|skin)(?![a-z])", re.IGNORECASE),
}
_SHORTEST_MM = 1.0


@dataclass(frozen=True)
class ProbeLine:
    """Where a probe is, as drawn by hand.

    Attributes
    ----------
    name : of the markup; where Slicer wrote none, of its file.
    entry_mm, tip_mm : LPS positions of a point up the shaft and of the tip.
    labeled : the labels of the points say which is which; otherwise their order did.
    """

    name: str
    entry_mm: PositionMm
    tip_mm: PositionMm
    labeled: bool = True


def read_probe_lines(*paths: str | Path) -> tuple[ProbeLine, ...]:
    """Read probes from markups files of 3D Slicer, in the order of files and markups.

    A markup of type Line is a probe. Of type Fiducial (a list of points) every two points are one.
    The points whose labels hold the words "tip" or "target", and "entry" or "skin", are these;
    without such words a line runs from the entry to the tip, and in a list of points each tip comes
    before its entry.

    Parameters
    ----------
    paths : .mrk.json files.

    Raises
    ------
    InputError
        When a file cannot be read, is no markups file, holds markups that are no probes, points
        that were not placed, other units than millimeters, or a line shorter than 1 mm.
    """
    found: list[ProbeLine] = []
    for path in map(Path, paths):
        content = _content(path)
        with named(path):
            found += [line for markup in _markups(content) for line in _lines(markup, path)]
    return tuple(found)


def write_probe_lines(lines: Sequence[ProbeLine], path: str | Path) -> None:
    """Write probes as one markups file, a Line with points "entry" and "tip" each.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    path = Path(path)
    content = {"@schema": _SCHEMA, "markups": [_markup_of(line) for line in lines]}
    text = json.dumps(content, indent=4, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"markups {path}: cannot be written ({reason_of(error)})") from None


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"markups {path}: cannot be read ({reason_of(error)})") from None
    except ValueError as error:
        raise InputError(
            f"markups {path}: not valid JSON ({error}); save the lines from 3D Slicer as *{_ENDING}"
        ) from None


def _markups(content: Any) -> list[Mapping[str, Any]]:
    schema = content.get("@schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or not _KNOWN_SCHEMA.search(schema):
        found = "none" if schema is None else f"'{schema}'"
        raise InputError(
            f"@schema: {found}, not that of Slicer markups 1.x; save the lines from 3D Slicer as "
            f"*{_ENDING}"
        )
    markups = content.get("markups")
    if not isinstance(markups, list) or not markups:
        raise InputError("markups: holds none; draw a line for each probe and save again")
    if not all(isinstance(markup, dict) for markup in markups):
        raise InputError("markups: damaged, an entry is no table; save again from 3D Slicer")
    return markups


def _lines(markup: Mapping[str, Any], path: Path) -> Iterator[ProbeLine]:
    """Give the probes of one markup: one of a line, one for every two points of a list."""
    name = str(markup.get("name") or path.name.removesuffix(_ENDING).removesuffix(".json"))
    kind = str(markup.get("type"))
    if kind not in _ORDER:
        raise InputError(
            f"markup '{name}': type {kind!r} is no probe; use a Line, or a Fiducial list of two "
            "points a probe"
        )
    points = markup.get("controlPoints", [])
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise InputError(f"markup '{name}': controlPoints are damaged; save again from 3D Slicer")
    pairs = len(points) // 2
    if len(points) != 2 * pairs or pairs == 0 or (kind == "Line" and pairs > 1):
        needed = "two points" if kind == "Line" else "two points for each probe"
        raise InputError(
            f"markup '{name}': has {len(points)} point{'s' * (len(points) != 1)}, needs {needed}"
        )
    for number in range(pairs):
        start = 2 * number
        called = name if kind == "Line" else f"{name}, points {start + 1} and {start + 2}"
        yield _line(called, points[start : start + 2], _ORDER[kind], _is_ras(markup, name))


def _line(
    name: str, points: Sequence[Mapping[str, Any]], order: Sequence[str], is_ras: bool
) -> ProbeLine:
    labeled = _ends_by_label([str(point.get("label", "")) for point in points])
    positions = [_position_mm(point, name, is_ras) for point in points]
    at = dict(zip(labeled or order, positions, strict=True))
    if math.dist(*positions) < _SHORTEST_MM:
        raise InputError(
            f"markup '{name}': its two points are {math.dist(*positions):.2f} mm apart, so it has "
            "no direction; place the entry up the shaft"
        )
    return ProbeLine(name, at["entry"], at["tip"], labeled is not None)


def _ends_by_label(labels: Sequence[str]) -> tuple[str, str] | None:
    """Tell from two labels which point is which; None where they do not say.

    A line that is called "target" has labels "target-1" and "target-2", which say nothing.
    """
    for end, other in (("tip", "entry"), ("entry", "tip")):
        first, second = (bool(_WORDS[end].search(label)) for label in labels)
        if first != second:
            return (end, other) if first else (other, end)
    return None


def _is_ras(markup: Mapping[str, Any], name: str) -> bool:
    system = markup.get("coordinateSystem", "LPS")
    units = markup.get("coordinateUnits", "mm")
    # A word, or a code with its scheme and meaning.
    code = units[0] if isinstance(units, list) and units else units
    if str(system) not in _IS_RAS:
        raise InputError(f"markup '{name}': coordinateSystem = {system!r}; use 'LPS' or 'RAS'")
    if code != "mm":
        raise InputError(
            f"markup '{name}': coordinateUnits = {units!r}; only millimeters ('mm') are read"
        )
    return _IS_RAS[str(system)]


def _position_mm(point: Mapping[str, Any], name: str, is_ras: bool) -> PositionMm:
    """Return a point's position in LPS millimeters."""
    label = point.get("label") or point.get("id") or "without label"
    status = point.get("positionStatus", "defined")
    if status != "defined":
        raise InputError(
            f"markup '{name}': point '{label}' was not placed (positionStatus = {status!r}); "
            "place it, or delete the line"
        )
    position = point.get("position")
    numbers = position if isinstance(position, list) else []
    if len(numbers) != 3 or not all(_is_number(value) for value in numbers):
        raise InputError(
            f"markup '{name}': point '{label}' has position = {position!r}; three numbers expected"
        )
    x, y, z = lps_from_ras([*numbers, 1.0])[:3].tolist() if is_ras else map(float, numbers)
    return x, y, z


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def _markup_of(line: ProbeLine) -> dict[str, Any]:
    ends = (("entry", line.entry_mm), ("tip", line.tip_mm))
    return {
        "type": "Line",
        "name": line.name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "fixedNumberOfControlPoints": False,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(ends),
        "controlPoints": [
            {
                "id": str(number),
                "label": label,
                "description": "",
                "associatedNodeID": "",
                "position": [float(value) for value in position],
                # Slicer's identity, written in LPS.
                "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
                "selected": True,
                "locked": False,
                "visibility": True,
                "positionStatus": "defined",
            }
            for number, (label, position) in enumerate(ends, start=1)
        ],
    }
