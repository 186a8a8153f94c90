"""Numbers as people read them."""

from __future__ import annotations

import re

from ..evaluation import GoalVerdict, Report
from ..plan import Protocol
from ..quantities import Quantity
from ..simulation import Result

__all__ = [
    "VERDICTS",
    "amount",
    "celsius",
    "degrees",
    "difference_words",
    "duration",
    "goal_limit",
    "goal_time",
    "goal_value",
    "number_words",
    "percent",
    "skin_given_up",
    "time_to_goals",
]

VERDICTS = {"ok": "✓ ok", "warn": "! warn", "fail": "✗ fail"}

_NONE = "none"
_MOST_DIGITS = 4
_CELSIUS = re.compile(r"(-?\d+(?:\.\d+)?) C\b")


def amount(value: float | None, unit: str, digits: int = 1) -> str:
    """Write a number with its unit; "none" where there is none."""
    if value is None:
        return _NONE
    return f"{round(value, digits) + 0.0:,.{digits}f} {unit}".rstrip()


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share of 0..1 in percent, with more digits where 100 % would hide what is missing."""
    if share is None:
        return _NONE
    texts = [f"{100 * share:.{count}f} %" for count in range(digits, _MOST_DIGITS)]
    told = [text for text in texts if not text.startswith("100")]
    return told[0] if told else texts[0]


def number_words(value: float | None, quantity: Quantity) -> str:
    """Write a number of a report as its description says, degrees as "C"."""
    if value is None:
        return quantity.absent
    match quantity.unit:
        case "share":
            return percent(value, quantity.digits)
        case "s":
            return duration(value)
        case "J":
            return amount(value / 1e3, "kJ", quantity.digits)
        case unit:
            return amount(value, unit, quantity.digits)


def difference_words(value: float, quantity: Quantity) -> str:
    """Write by how much a number is more or less than another, shares in percentage points."""
    sign = "-" if value < 0 else "+"
    return sign + number_words(abs(value), quantity).replace("%", "points")


def degrees(value: float | None) -> str:
    """Write a temperature."""
    return amount(value, "°C")


def duration(seconds: float) -> str:
    """Write a length of time in minutes, a short one in seconds."""
    return f"{seconds / 60:.4g} min" if seconds >= 60 or seconds == 0 else f"{seconds:.3g} s"


def celsius(text: str) -> str:
    """Write the temperatures in a name with the degree sign."""
    return _CELSIUS.sub(r"\1 °C", text)


def goal_value(goal: GoalVerdict) -> str:
    """Write what was reached, to as many digits as it takes to see that a limit was missed."""
    if goal.value is None:
        return _NONE
    scale, unit = _scale_and_unit(goal)
    value, limit = scale * goal.value, scale * goal.limit
    digits = 1
    short = value < limit if goal.sense == "at least" else value > limit
    while short and digits < _MOST_DIGITS and _meets(round(value, digits), limit, goal.sense):
        digits += 1
    return amount(value, unit, digits)


def goal_limit(goal: GoalVerdict) -> str:
    """Write the limit of a goal, for example "≥ 10 mm"."""
    scale, unit = _scale_and_unit(goal)
    sign = "≥" if goal.sense == "at least" else "≤"
    return f"{sign} {scale * goal.limit:.6g} {unit}".rstrip()


def goal_time(goal: GoalVerdict, protocol: Protocol) -> str:
    """Write when a goal was first met, or its limit first broken."""
    if goal.broken_s is not None:
        return f"broken at {protocol.when(goal.broken_s)}"
    return "" if goal.met_s is None else protocol.when(goal.met_s)


def skin_given_up(result: Result) -> str:
    """Say why skin has no limit, where a plan gives it up; nothing where it does not."""
    why = result.plan.skin.given_up
    return "" if why is None else f"skin is given up and has no limit: {why}"


def time_to_goals(report: Report, protocol: Protocol) -> str:
    """Say when the target had all that is asked of it, and for how long freezing goes on."""
    found = report.target
    if found is None or found.goals_met_s is None or found.freezing_after_s is None:
        return ""
    where = ", where its margin has room," if found.limits else ""
    told = f"the target has all that is asked of it{where} after {protocol.when(found.goals_met_s)}"
    if found.freezing_after_s < 60.0:
        return f"{told}, as the freezing ends"
    more = f"{found.freezing_after_s / 60:.0f} more min"
    return f"{told}; the protocol goes on for {more} of freezing"


def _meets(value: float, limit: float, sense: str) -> bool:
    return value >= limit if sense == "at least" else value <= limit


def _scale_and_unit(goal: GoalVerdict) -> tuple[float, str]:
    return (1.0, goal.unit) if goal.unit else (100.0, "%")
