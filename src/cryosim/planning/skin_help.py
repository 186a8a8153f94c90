"""Where skin is in the way of a plan: what may help, and what a warm pack on it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..anatomy import Anatomy, place_anatomy
from ..evaluation import Report, evaluate
from ..plan import Plan, SkinPack
from ..plan.metrics import ice_distance, organ_temperature
from ..simulation import Callback, Result, simulate
from .explanation import where_it_has_room, where_it_holds
from .recheck import final_outcome
from .trial import KELVINS_A_MM
from .varied_runs import vary_tissues

__all__ = ["SKIN_HELP_COLUMNS", "SkinHelp", "help_for_skin", "skin_help_rows"]

SKIN_HELP_COLUMNS = ("", "without a pack", "with a pack")

# Nearer to its limit than this, a misplacement of a millimeter costs the skin its limit.
_NEARLY_MM = 1.0
# A pack reaches so far beyond the skin that is colder than this.
_COOL_C, _BEYOND_MM = 20.0, 10.0
_SMALLEST_MM, _LARGEST_MM = 20.0, 100.0
_MAY_HELP = (
    "what may help: another entry, shorter freezes, a {warm} pack on the skin, warm fluid or gas "
    "injected under it"
)


@dataclass(frozen=True, eq=False)
class SkinHelp:
    """A plan whose skin is too cold, or nearly, and the same with a warm pack.

    Attributes
    ----------
    skin : what the skin has of its limit, in words.
    without, packed : `final_outcome` of both, on the plan's own grid; packed is None where the plan
        has packs already.
    pack : the pack that was tried.
    """

    skin: str
    without: Mapping[str, Any]
    pack: SkinPack | None = None
    packed: Mapping[str, Any] | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What may help, and what the pack did."""
        # A plan that has packs already is not given another.
        may_help = _MAY_HELP.format(warm="warmer" if self.pack is None else "warm")
        found = [f"the skin is in the way: {self.skin}; {may_help}"]
        if self.pack is not None and self.packed is not None:
            center = ", ".join(f"{value:g}" for value in self.pack.center_mm)
            found.append(
                f"tried: [[skin_pack]] with center_mm = [{center}], radius_mm = "
                f"{self.pack.radius_mm:g}, {self.pack.temperature_c:g} C: {_goals(self.packed)}; "
                "add it to the plan to search with it"
            )
        return tuple(found)

    def document(self) -> dict[str, Any]:
        """Return it as JSON values, for plans.json."""
        keys = ("frozen_skin_cm2", "ice_margin_min_mm", "healthy_frozen_ml", "coverage", "limits")
        sides = {"without": self.without, "with": self.packed}
        return {
            "skin": self.skin,
            "pack": None if self.pack is None else self.pack.model_dump(mode="json"),
            **{
                side: None if outcome is None else {
                    "skin_coldest_c": outcome["coldest_organs_c"]["skin"],
                    **{key: outcome[key] for key in keys},
                    "goals": _goals(outcome),
                }
                for side, outcome in sides.items()
            },
        }  # fmt: skip


def help_for_skin(
    anatomy: Anatomy, plan: Plan, result: Result, report: Report, progress: Sequence[Callback]
) -> SkinHelp | None:
    """Try a warm pack on the skin nearest to the ice where a plan's skin is too cold, or nearly.

    Parameters
    ----------
    plan : with its probes. result, report : of that plan, on its own grid.

    Returns
    -------
    None where there is no skin, or the skin has room to its limits.
    """
    skin = _lacking(plan, report)
    if skin is None or not result.tissue.skin.any():
        return None
    without = final_outcome(result, report)
    if plan.skin_pack:
        return SkinHelp(skin, without)
    pack = _pack_for(result)
    packed = plan.model_copy(update={"skin_pack": (pack,)})
    again = vary_tissues(simulate(place_anatomy(anatomy, packed), packed, callbacks=progress))
    return SkinHelp(skin, without, pack, final_outcome(again, evaluate(again)))


def skin_help_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Set a plan without and with a pack side by side; no rows where none was tried."""
    found = document.get("skin_help")
    if found is None or found["with"] is None:
        return []
    sides = found["without"], found["with"]
    where = ", where it has room" if sides[0]["limits"] else ""
    rows = [
        ("skin, coldest", [f"{one['skin_coldest_c']:.1f} C" for one in sides]),
        ("skin frozen", [f"{one['frozen_skin_cm2']:.1f} cm2" for one in sides]),
        (f"smallest ice margin{where}", [_margin(one["ice_margin_min_mm"]) for one in sides]),
        ("lethal coverage", [f"{100 * one['coverage']:.1f} %" for one in sides]),
        ("healthy tissue frozen", [f"{one['healthy_frozen_ml']:.0f} ml" for one in sides]),
        ("goals", [one["goals"] for one in sides]),
    ]
    return [(name, first, second) for name, (first, second) in rows]


def _lacking(plan: Plan, report: Report) -> str | None:
    """Say how near the skin is to a limit of its; None where it has room."""
    nearly = {
        organ_temperature(plan.skin.name): KELVINS_A_MM * _NEARLY_MM,
        ice_distance(plan.skin.name): _NEARLY_MM,
    }
    for goal in report.goals:
        room = nearly.get(goal.key)
        if room is not None and goal.value is not None and goal.value < goal.limit + room:
            return f"{goal.name} {goal.value:.1f} {goal.unit}, at least {goal.limit:g} asked"
    return None


def _pack_for(result: Result) -> SkinPack:
    """A pack about the coldest skin that covers all that is cool."""
    skin, coldest = result.tissue.skin, result.coldest_c
    voxels = np.argwhere(skin & (coldest < _COOL_C))
    if len(voxels) == 0:
        voxels = np.argwhere(skin)
    points = result.tissue.grid.to_world(voxels[:, ::-1])
    center = points[int(coldest[tuple(voxels.T)].argmin())]
    reach_mm = float(np.linalg.norm(points - center, axis=1).max()) + _BEYOND_MM
    x, y, z = (np.round(center) + 0.0).tolist()
    radius_mm = float(np.clip(np.ceil(reach_mm), _SMALLEST_MM, _LARGEST_MM))
    return SkinPack(center_mm=(x, y, z), radius_mm=radius_mm)


def _goals(outcome: Mapping[str, Any]) -> str:
    """Say which goals an outcome misses."""
    missed = [row[5] for row in outcome["goals"].values() if row[4] == "fail"]
    if missed:
        return f"missed: {', '.join(missed)}"
    return f"met{where_it_has_room(outcome)}{where_it_holds(outcome)}"


def _margin(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f} mm"
