"""The numbers that a report holds, each described once: name, unit, decimals.

Terminal, report.json, report.html, comparisons and the goals of a plan are drawn from this. A field
with a `Quantity` is a number that people read; its name is its key in report.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

__all__ = [
    "DOSE_RESPONSE",
    "Compliance",
    "KillAfter",
    "KillReport",
    "Margin",
    "MarginLimit",
    "Margins",
    "NeedleReport",
    "Number",
    "OrganReport",
    "Quantity",
    "SensorReport",
    "TargetKill",
    "TargetReport",
    "Unit",
    "goal_paths",
    "numbers_of",
    "quantities_of",
]

DOSE_RESPONSE = "dose-response"  # the rule of cell kill whose numbers are expected values

Unit = Literal["mm", "C", "ml", "s", "W", "J", "kJ", "cm2", "share", ""]


class Quantity(NamedTuple):
    """How a number is called and written.

    Attributes
    ----------
    name : as in tables; in that of a mapping, {key} is the isotherm.
    unit : "share" is 0..1, written in percent; "" that of a count.
    digits : decimals.
    goal : whether plans can put goals on it; "limited" only where the plan gives a limit.
    absent : what stands where there is no such number.
    """

    name: str
    unit: Unit
    digits: int = 1
    goal: Literal["never", "limited", "always"] = "never"
    absent: str = "none"


class Titled(NamedTuple):
    """What the numbers of a part are about; {field} is replaced by that field of the part."""

    title: str


class Number(NamedTuple):
    """A number of a report: dotted path, name, description and value."""

    path: str
    name: str
    quantity: Quantity
    value: float | None


def quantities_of(kind: type[Any]) -> dict[str, Quantity]:
    """Return the description of each number of a part of the report by its key, in order."""
    marks = _marks(kind)
    return {key: mark for key, mark in marks.items() if isinstance(mark, Quantity)}


def numbers_of(part: Any, path: str) -> Iterator[Number]:
    """Give every number of a part of the report, and of the parts in it."""
    for key, mark in _marks(type(part)).items():
        value, at = getattr(part, key), f"{path}.{key}"
        if isinstance(mark, Quantity) and isinstance(value, Mapping):
            for level, item in value.items():
                name = mark.name.format(key=f"{level:g}")
                yield Number(f"{at}.{level:g}", name, mark, item)
        elif isinstance(mark, Quantity):
            yield Number(at, mark.name, mark, value)
        else:
            title = mark.title.format_map({**vars(value)}) if mark is not None else ""
            for number in numbers_of(value, at):
                name = f"{title}, {number.name}" if title else number.name
                yield number._replace(name=name)


def goal_paths(kind: type[Any], path: str, levels_c: Iterable[float], limited: bool) -> list[str]:
    """Return the dotted paths of the numbers of a part that goals can be put on.

    Parameters
    ----------
    levels_c : isotherms of mappings. limited : whether the plan gives the part a limit.
    """
    found = []
    levels = list(levels_c)
    for key, mark in _marks(kind).items():
        at, type_ = f"{path}.{key}", _types(kind)[key]
        if not isinstance(mark, Quantity):
            found += goal_paths(type_, at, levels, limited)
        elif mark.goal == "never" or (mark.goal == "limited" and not limited):
            continue
        elif "{key}" in mark.name:
            found += [f"{at}.{level:g}" for level in levels]
        else:
            found.append(at)
    return found


def _marks(kind: type[Any]) -> dict[str, Quantity | Titled | None]:
    """Return the descriptions of numbers, and of parts that hold some, by key."""
    found: dict[str, Quantity | Titled | None] = {}
    for key, hint in get_type_hints(kind, include_extras=True).items():
        marks = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Quantity | Titled)]
        if marks:
            found[key] = marks[0]
        elif is_dataclass(hint):
            found[key] = None
    return found


def _types(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


@dataclass(frozen=True)
class Margin:
    """Signed distance from the target's surface to an isotherm, positive outwards.

    Attributes
    ----------
    isotherm_c : the isotherm of the coldest-ever field.
    min_mm, p05_mm : smallest, and exceeded by 95 % of the surface; None where nothing got so cold.
    fraction_at_least_10mm : share of the surface with at least 10 mm.
    where : ", where it has room" for the part of the surface at which neither skin nor a barrier is
        nearer than the wanted margin; empty: all of it.
    """

    isotherm_c: float
    min_mm: Annotated[float | None, Quantity("smallest", "mm", goal="always")]
    p05_mm: Annotated[float | None, Quantity("95 % have at least", "mm", goal="always")]
    fraction_at_least_10mm: Annotated[float, Quantity("surface with 10 mm", "share", goal="always")]
    where: str = ""


@dataclass(frozen=True)
class Margins:
    """Margin of the visible ice and of the lethal isotherm."""

    ice: Annotated[Margin, Titled("ice margin ({isotherm_c:g} C){where}")]
    lethal: Annotated[Margin, Titled("lethal margin ({isotherm_c:g} C)")]


@dataclass(frozen=True)
class MarginLimit:
    """What is nearer to the target than the wanted margin, so that less is asked for there.

    Attributes
    ----------
    by : "skin", or a barrier of the plan. side : of the target, in anatomical words.
    surface_share : share of the target's surface from which it is nearer.
    room_mm : smallest distance of the target's surface to it.
    smallest_mm : smallest ice margin on that part of the surface; None without ice.
    reached_mm, asked_mm : ice margin where most is missing, and what is asked for there.
    """

    by: str
    side: str
    surface_share: Annotated[float, Quantity("of the surface", "share")]
    room_mm: Annotated[float, Quantity("room", "mm")]
    smallest_mm: Annotated[float | None, Quantity("smallest ice margin", "mm")]
    reached_mm: Annotated[float | None, Quantity("ice margin where most is missing", "mm")]
    asked_mm: Annotated[float, Quantity("asked for there", "mm")]


@dataclass(frozen=True)
class Compliance:
    """Whether the ice reaches the wanted margin everywhere, or as far as it can be asked for.

    Attributes
    ----------
    margin_mm : the wanted margin.
    surface_fraction : share of the target's surface with at least the ice margin asked for there.
    shell_frozen_fraction : share of the shell of that thickness around the target that froze.
    passed : both are 1 within half a voxel.
    """

    margin_mm: float
    surface_fraction: Annotated[float, Quantity("surface", "share", goal="always")]
    shell_frozen_fraction: Annotated[float, Quantity("shell frozen", "share", goal="always")]
    passed: bool


@dataclass(frozen=True)
class TargetKill:
    """Share of the target's cells that the dose-response expects dead, in 0..1."""

    expected: Annotated[float | None, Quantity("expected dead", "share", goal="always")]


@dataclass(frozen=True)
class TargetReport:
    """The target.

    Attributes
    ----------
    volume_ml : its volume. coverage : by isotherm (C), in 0..1.
    healthy_ml : tissue around it that has been frozen.
    margin_reached_s : first time at which tissue had been frozen as far beyond it as wanted, all
        around and within half a voxel; None where that never was, or was not recorded.
    goals_met_s : first time at which all its goals were met; None likewise.
    freezing_after_s : freezing that the protocol goes on for after that.
    """

    volume_ml: Annotated[float, Quantity("volume", "ml", goal="always")]
    coverage: Annotated[
        Mapping[float, float], Quantity("coverage at {key} C", "share", goal="always")
    ]
    margin: Margins
    compliance: Annotated[Compliance, Titled("{margin_mm:g} mm compliance")]
    kill: Annotated[TargetKill, Titled("cells")]
    healthy_ml: Annotated[float, Quantity("healthy tissue frozen", "ml", goal="always")]
    margin_reached_s: Annotated[
        float | None, Quantity("ice margin reached after", "s", 1, "always", "never")
    ]
    goals_met_s: Annotated[
        float | None, Quantity("all goals of the target met after", "s", 1, "always", "never")
    ] = None
    freezing_after_s: Annotated[
        float | None, Quantity("freezing that goes on after that", "s", 1, "always", "none")
    ] = None
    limits: tuple[MarginLimit, ...] = ()


@dataclass(frozen=True)
class OrganReport:
    """An organ at risk.

    Attributes
    ----------
    volume_ml : the part inside the simulated box.
    coldest_c : coldest temperature that any part of it has seen.
    limit_c : the limit given in the plan.
    volume_below_limit_ml, longest_below_limit_s : how much was colder, and for how long at most.
    volume_frozen_ml : part of it that has been at or below 0 C.
    ice_distance_mm : smallest distance to the ice edge, negative inside the ice; None without ice.
    frozen_cm2 : of skin, the area that has been at or below 0 C.
    """

    name: str
    volume_ml: Annotated[float, Quantity("volume", "ml", goal="always")]
    coldest_c: Annotated[float, Quantity("coldest", "C", goal="always")]
    limit_c: Annotated[float | None, Quantity("limit", "C", absent="")]
    volume_below_limit_ml: Annotated[float | None, Quantity("below limit", "ml", 2, "limited", "")]
    longest_below_limit_s: Annotated[
        float | None, Quantity("longest below limit", "s", goal="limited", absent="")
    ]
    volume_frozen_ml: Annotated[float, Quantity("frozen", "ml", 2, "always")]
    ice_distance_mm: Annotated[float | None, Quantity("to the ice", "mm", goal="always")]
    frozen_cm2: Annotated[float | None, Quantity("frozen surface", "cm2", absent="")] = None


@dataclass(frozen=True)
class SensorReport:
    """A temperature sensor.

    Attributes
    ----------
    at_mm : LPS position.
    coldest_c, warmest_c : of its whole curve.
    seconds_frozen : time at or below 0 C.
    times_s, temperatures_c : its curve, thinned to some 200 points; the result holds all.
    """

    name: str
    at_mm: tuple[float, float, float]
    coldest_c: Annotated[float, Quantity("coldest", "C", goal="always")]
    warmest_c: Annotated[float, Quantity("warmest", "C", goal="always")]
    seconds_frozen: Annotated[float, Quantity("at or below 0 C", "s")]
    times_s: tuple[float, ...]
    temperatures_c: tuple[float, ...]


@dataclass(frozen=True)
class NeedleReport:
    """A probe, or a warmer; heat counts positive when taken out of the tissue.

    Attributes
    ----------
    name : "probe.0" and so on, or the warmer's name. model : of the catalog, or "warmer".
    peak_power_w : largest mean over 30 s of the heat that a probe took out; of a warmer, of what it
        gave, negative.
    mean_freeze_power_w : mean over all freezes.
    heat_j : over the whole protocol.
    coldest_surface_c : coldest mean temperature of the active surface; None if it was never on.
    """

    name: str
    model: str
    peak_power_w: Annotated[float, Quantity("peak power", "W")]
    mean_freeze_power_w: Annotated[float, Quantity("mean in freezes", "W")]
    heat_j: Annotated[float, Quantity("heat out", "J")]
    coldest_surface_c: Annotated[float | None, Quantity("coldest surface", "C")]


@dataclass(frozen=True)
class KillAfter:
    """What the dose-response expects after the first freezes of the protocol.

    Attributes
    ----------
    freezes : how many.
    volume_ml, target_share : as in `KillReport`.
    """

    freezes: int
    volume_ml: Annotated[float, Quantity("killed", "ml")]
    target_share: Annotated[float | None, Quantity("of the target", "share", absent="")]


@dataclass(frozen=True)
class KillReport:
    """What one rule of cell kill says.

    Attributes
    ----------
    rule : its name. source : where its numbers come from.
    volume_ml : tissue killed, without probes and gas; by the dose-response its expected value.
    target_share : share of the target killed, in 0..1; None for a plan without a target.
    after_freezes : the same after each freeze; only of the dose-response, which counts them.
    """

    rule: str
    source: str
    volume_ml: Annotated[float, Quantity("killed", "ml")]
    target_share: Annotated[float | None, Quantity("of the target", "share", absent="")]
    after_freezes: tuple[KillAfter, ...] = ()
