"""The protocol: freeze and thaw stages in order, as a list or as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import InputError

__all__ = ["MOMENT_MIN", "PRESETS", "Preset", "Protocol", "Stage"]


class Stage(BaseModel):
    """One stage: all probes freeze, or all thaw.

    Attributes
    ----------
    kind : "freeze" or "thaw".
    minutes : how long, at most.
    active : a thaw in which the probes warm; a passive thaw has them off.
    until, until_c : a freeze ends early once this sensor, or the coldest part of this organ at
        risk, has fallen to so many degrees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["freeze", "thaw"]
    minutes: Annotated[float, Field(gt=0, le=240, allow_inf_nan=False)]
    active: bool = False
    until: str | None = None
    until_c: Annotated[float, Field(ge=-200, le=37, allow_inf_nan=False)] | None = None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return round(self.minutes * 60.0, 6)

    def lasting(self, minutes: float) -> Stage:
        """Return the stage of another length."""
        return self.model_copy(update={"minutes": minutes})

    def describe(self) -> str:
        """Return the stage in the text form of a protocol."""
        amount = f"{self.minutes:g} min" if self.minutes >= 1 else f"{self.duration_s:g} s"
        found = f"{self.kind} {amount}" + (" active" if self.active else "")
        return found if self.until is None else f"{found} until {self.until} {self.until_c:g} C"

    @model_validator(mode="after")
    def _freeze_is_not_active(self) -> Stage:
        if self.kind == "freeze" and self.active:
            raise ValueError("only a thaw can be active; drop 'active' from the freeze")
        return self

    @model_validator(mode="after")
    def _until_is_whole(self) -> Stage:
        if (self.until is None) != (self.until_c is None):
            raise ValueError("until and until_c go together: a name, and a temperature in C")
        if self.kind == "thaw" and self.until is not None:
            raise ValueError("only a freeze can end early; drop 'until' from the thaw")
        return self


@dataclass(frozen=True)
class Preset:
    """A protocol with a name and the place it comes from."""

    text: str
    source: str


_KEIO = "clinical series behind this project (percutaneous cryoablation, argon, 20/10 min cycles)"

PRESETS: Mapping[str, Preset] = {
    "keio-bone": Preset("; ".join(["freeze 20 min; thaw 10 min"] * 2), f"{_KEIO}; bone, 2 cycles"),
    "keio-soft-tissue": Preset(
        "; ".join(["freeze 20 min; thaw 10 min"] * 3), f"{_KEIO}; soft tissue, 3 cycles"
    ),
    "renal-10-8-10": Preset(
        "freeze 10 min; thaw 8 min active; freeze 10 min",
        "Cardiovasc Intervent Radiol 2018, doi 10.1007/s00270-018-1950-z (10-8-10 min, kidney and "
        "liver)",
    ),
    "lung-3-7-10": Preset(
        "freeze 3 min; thaw 3 min; freeze 7 min; thaw 4 min; freeze 10 min",
        "triple freeze of 3, 7 and 10 min in lung with passive thaws of about 180 and 250 s, from "
        "the public Cryoablation-Dosimetry data set (commit e180920)",
    ),
}

Runs = tuple[tuple[float, float], ...]
MOMENT_MIN = 1e-6

_STAGE = re.compile(
    r"^(?P<kind>freeze|thaw)\s+(?P<number>\d+(?:\.\d*)?|\.\d+)\s*"
    r"(?P<unit>min|minutes?|s|sec|seconds?)(?:\s+(?P<mode>active|passive))?"
    r"(?:\s+until\s+(?P<until>.+?)\s+(?P<until_c>-?\d+(?:\.\d*)?)\s*C)?$",
    re.IGNORECASE,
)
_FORMS = (
    "valid forms: 'freeze 20 min; thaw 10 min; freeze 90 s; thaw 8 min active; "
    "freeze 20 min until nerve 10 C'"
)


def _parse(text: str) -> tuple[Stage, ...]:
    stages = []
    for part in re.split(r"[;\n,]", text):
        words = " ".join(part.split())
        if not words:
            continue
        match = _STAGE.match(words)
        if match is None:
            raise InputError(f"protocol.text: cannot read '{words}'; {_FORMS}")
        number = float(match["number"])
        minutes = number if match["unit"].lower().startswith("min") else number / 60
        stages.append(
            Stage(
                kind=match["kind"].lower(),
                minutes=minutes,
                active=(match["mode"] or "").lower() == "active",
                until=match["until"],
                until_c=match["until_c"],
            )
        )
    return tuple(stages)


class Protocol(BaseModel):
    """Stages in order. Give one of `preset`, `text` or `stages`.

    Attributes
    ----------
    preset : name of a known protocol, see `PRESETS`.
    text : for example "freeze 20 min; thaw 10 min; freeze 20 min; thaw 10 min active".
    stages : the same as a list; filled in from the other two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str | None = None
    text: str | None = None
    stages: tuple[Stage, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_stages(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        given = [key for key in ("preset", "text", "stages") if values.get(key)]
        # A plan that was run carries its stages beside the preset or text they came from.
        if len(given) > 1 and set(given) != {given[0], "stages"}:
            raise ValueError(f"give one of preset, text, stages; found {' and '.join(given)}")
        if not given:
            raise ValueError("give one of preset, text, stages; found none")
        if "stages" in given:
            return values
        if "preset" in given:
            name = str(values["preset"])
            if name not in PRESETS:
                raise ValueError(f"preset '{name}' is unknown; known: {', '.join(PRESETS)}")
            return {**values, "stages": _parse(PRESETS[name].text)}
        return {**values, "stages": _parse(str(values["text"]))}

    @model_validator(mode="after")
    def _has_a_freeze(self) -> Protocol:
        if not any(stage.kind == "freeze" for stage in self.stages):
            raise ValueError(f"a protocol needs at least one freeze; {_FORMS}")
        if self.duration_s > 24 * 3600:
            raise ValueError(
                f"the stages add up to {self.duration_s / 3600:.0f} h; the limit is 24 h"
            )
        return self

    @property
    def duration_s(self) -> float:
        """Length of all stages in seconds."""
        return self.ends_s()[-1] if self.stages else 0.0

    def ends_s(self) -> tuple[float, ...]:
        """Return the times at which stages end, in seconds."""
        ends, now = [], 0.0
        for stage in self.stages:
            now = round(now + stage.duration_s, 6)
            ends.append(now)
        return tuple(ends)

    def describe(self) -> str:
        """Return the text form."""
        return "; ".join(stage.describe() for stage in self.stages)

    def with_freezes(self, share: float) -> Protocol:
        """Return the protocol with freezes of another share of their time, to a tenth of a minute.

        The same one where nothing changes.
        """
        if share == 1.0:
            return self
        return Protocol(
            stages=tuple(
                stage.lasting(max(round(stage.minutes * share, 1), 0.1))
                if stage.kind == "freeze"
                else stage
                for stage in self.stages
            )
        )

    def ended_early(self, time_s: float) -> Protocol:
        """Return the protocol whose stage at a moment ended there, the later ones following."""
        begins = (0.0, *self.ends_s())
        return Protocol(
            stages=tuple(
                stage.lasting((time_s - begin) / 60) if begin < time_s < end else stage
                for stage, begin, end in zip(self.stages, begins, self.ends_s(), strict=False)
            )
        )

    def moved(self, runs_min: Runs, other: Protocol) -> Runs:
        """Return times (start and stop, min) of this protocol in one with stages of other lengths.

        As long after the beginning of their stage, and at most at its end.
        """
        begins, other_begins = (0.0, *self.ends_s()), (0.0, *other.ends_s())

        def at(time_min: float) -> float:
            time_s = 60.0 * time_min + 1e-6
            number = max(n for n, begin in enumerate(begins[:-1]) if begin <= time_s)
            length_s = other_begins[number + 1] - other_begins[number]
            return (other_begins[number] + min(60.0 * time_min - begins[number], length_s)) / 60.0

        found = [(at(start), at(stop)) for start, stop in runs_min]
        # A run of which nothing is left stays as a moment: none at all would mean throughout.
        return tuple((start, max(stop, start + MOMENT_MIN)) for start, stop in found)

    def when(self, time_s: float) -> str:
        """Say when a moment is, for example "12 min of freeze 2"."""
        begin, counts = 0.0, {"freeze": 0, "thaw": 0}
        for stage, end in zip(self.stages, self.ends_s(), strict=True):
            counts[stage.kind] += 1
            if time_s <= end:
                break
            begin = end
        return f"{round((time_s - begin) / 60, 1):g} min of {stage.kind} {counts[stage.kind]}"

    def freezing_after_s(self, time_s: float) -> float:
        """Seconds of freezing that come after a moment."""
        begins = (0.0, *self.ends_s())
        return sum(
            max(end - max(begin, time_s), 0.0)
            for stage, begin, end in zip(self.stages, begins, self.ends_s(), strict=False)
            if stage.kind == "freeze"
        )
