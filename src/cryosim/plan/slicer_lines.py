"""Probes of a plan as lines for 3D Slicer, and put where lines from there say they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..images import ProbeLine
from ..probes import Probe
from .plan import Plan
from .plan_file import plan_from_dict

__all__ = ["move_probes", "probe_lines"]

_NUMBERED = re.compile(r"^probe[ ._-]?(\d+)$", re.IGNORECASE)
_PLACE = {"tip_mm", "entry_mm"}


def probe_lines(plan: Plan) -> tuple[ProbeLine, ...]:
    """Return the probes of a plan as lines "probe.0", "probe.1" and so on."""
    return tuple(
        ProbeLine(f"probe.{number}", probe.entry_mm, probe.tip_mm)
        for number, probe in enumerate(plan.probe)
    )


def move_probes(plan: Plan, lines: Sequence[ProbeLine]) -> Plan:
    """Return a plan whose probes are where lines say, and nowhere else.

    Lines that are all called "probe.0", "probe 1" and so on are these probes of the plan, counted
    from 0 as in its report; a probe without a line is left out. Other lines follow the order of
    the plan's probes; they may be more or fewer where these differ in nothing but their place.

    Parameters
    ----------
    lines : as `read_probe_lines` returns them.

    Raises
    ------
    InputError
        When it cannot be said which probe a line is, or a line whose labels do not say which point
        is the tip runs against the probe of the plan.
    """
    pairs = _pairs(plan.probe, lines)
    for planned, line in pairs:
        _check_direction(planned, line)
    content = plan.model_dump(mode="json", exclude_none=True)
    content["probe"] = [
        {
            **planned.model_dump(mode="json", exclude_none=True),
            "tip_mm": line.tip_mm,
            "entry_mm": line.entry_mm,
        }
        for planned, line in pairs
    ]
    return plan_from_dict(content, plan.folder, "probes at their lines")


def _pairs(probes: Sequence[Probe], lines: Sequence[ProbeLine]) -> list[tuple[Probe, ProbeLine]]:
    """Find the probe of the plan that each line is."""
    if not lines:
        raise InputError("probes: there is no line; draw one for each probe")
    if not probes:
        raise InputError(
            "probes: the plan has no probe, and lines do not say of which model they are; add "
            "[[probe]], or use the plan that 'cryosim optimize' wrote beside them"
        )
    by_number = _by_number(lines)
    if by_number and max(by_number) < len(probes):
        return [(probes[number], line) for number, line in sorted(by_number.items())]
    if len(lines) == len(probes):
        return list(zip(probes, lines, strict=True))
    kinds = [probe.model_dump(exclude=_PLACE) for probe in probes]
    if all(kind == kinds[0] for kind in kinds):
        return [(probes[0], line) for line in lines]
    raise InputError(
        f"probes: {len(lines)} lines for the plan's {len(probes)} probes, which are not alike; "
        "name the lines probe.0, probe.1 and so on after the plan's, or draw one for each"
    )


def _by_number(lines: Sequence[ProbeLine]) -> dict[int, ProbeLine]:
    """Return lines by the number in their names; none where a name has no number."""
    matches = [_NUMBERED.match(line.name) for line in lines]
    numbers = [int(match[1]) for match in matches if match is not None]
    if len(numbers) < len(lines):
        return {}
    for number in numbers:
        if numbers.count(number) > 1:
            raise InputError(
                f"probes: two lines are named 'probe.{number}'; rename one, or give its file once"
            )
    return dict(zip(numbers, lines, strict=True))


def _check_direction(planned: Probe, line: ProbeLine) -> None:
    """Refuse a line that was taken the wrong way round."""
    shaft = np.subtract(line.entry_mm, line.tip_mm)
    if not line.labeled and float(shaft @ planned.axis) < 0:
        raise InputError(
            f"probes: '{line.name}' with its tip at {[round(x, 1) for x in line.tip_mm]} points "
            "against the probe of the plan; label its points 'tip' and 'entry' in 3D Slicer"
        )
