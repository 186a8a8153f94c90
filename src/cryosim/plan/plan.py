"""The plan: its sections together, and what must hold between them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, model_validator

from ..errors import did_you_mean
from ..probes import Needle, Probe, Warmer
from ..quantities import OrganReport, SensorReport, TargetReport, goal_paths
from .metrics import whole_path
from .optimize import Search
from .protocol import MOMENT_MIN, Protocol
from .sections import (
    AnatomyPlan,
    BodyPlan,
    FlowStop,
    Goal,
    GridPlan,
    OrganAtRisk,
    PerfusionPlan,
    Protection,
    ReportPlan,
    Section,
    Sensor,
    Skin,
    SkinPack,
    Target,
)

__all__ = ["Plan"]


class Plan(Section):
    """Anatomy, probes and protocol, and what is to be reached and spared.

    Attributes
    ----------
    folder : where relative paths start; the plan file's folder, else the working folder.
    """

    anatomy: AnatomyPlan
    tissue: tuple[dict[str, Any], ...] = ()
    target: Target | None = None
    organ_at_risk: tuple[OrganAtRisk, ...] = ()
    skin: Skin = Skin()
    probe: Annotated[tuple[Probe, ...], Field(max_length=50)] = ()
    warmer: tuple[Warmer, ...] = ()
    protection: tuple[Protection, ...] = ()
    skin_pack: tuple[SkinPack, ...] = ()
    sensor: tuple[Sensor, ...] = ()
    protocol: Protocol
    grid: GridPlan = GridPlan()
    perfusion: PerfusionPlan = PerfusionPlan()
    body: BodyPlan = BodyPlan()
    report: ReportPlan = ReportPlan()
    goal: tuple[Goal, ...] = ()
    optimize: Search | None = None

    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def folder(self) -> Path:
        """Folder that the paths of the plan are relative to."""
        return self._folder

    @property
    def needles(self) -> tuple[Needle, ...]:
        """Everything thin that is put into the patient: probes first, then warmers."""
        return (*self.probe, *self.warmer)

    def organs(self, skin_is_seen: bool) -> tuple[OrganAtRisk, ...]:
        """The organs at risk, and the skin where it is seen and none of them is called so."""
        own = self.skin.name in {organ.name for organ in self.organ_at_risk}
        if own:
            return tuple(self._with_limit(organ) for organ in self.organ_at_risk)
        return (*self.organ_at_risk, self.skin.judged) if skin_is_seen else self.organ_at_risk

    def _with_limit(self, organ: OrganAtRisk) -> OrganAtRisk:
        """Return the organ; skin that has a label, but no limit, with the limits of skin."""
        limits = (organ.min_temperature_c, organ.min_ice_distance_mm)
        if organ.name != self.skin.name or limits != (None, None):
            return organ
        skin = self.skin.judged
        return organ.model_copy(
            update={
                "min_temperature_c": skin.min_temperature_c,
                "min_ice_distance_mm": skin.min_ice_distance_mm,
            }
        )

    def with_protocol(self, protocol: Protocol) -> Plan:
        """Return the plan with stages of other lengths, which times of the procedure follow.

        What a probe runs of its own, and stops of blood flow, keep their distance from the
        beginning of their stage, as far as that goes.
        """
        if protocol == self.protocol:
            return self
        probes = tuple(
            probe.model_copy(update={"runs_min": self.protocol.moved(probe.runs_min, protocol)})
            for probe in self.probe
        )
        perfusion = self.perfusion.model_copy(update={"stopped": self._stopped_in(protocol)})
        return self.model_copy(
            update={"protocol": protocol, "probe": probes, "perfusion": perfusion}
        )

    def _stopped_in(self, protocol: Protocol) -> tuple[FlowStop, ...]:
        """Return the stops of flow in stages of other lengths, without those that are over."""
        found = []
        for stop in self.perfusion.stopped:
            if stop.minutes is None:
                found.append(stop)
                continue
            ((start, end),) = self.protocol.moved((stop.minutes,), protocol)
            if end - start > 2 * MOMENT_MIN:  # more than what `moved` leaves of nothing
                found.append(stop.model_copy(update={"minutes": (start, end)}))
        return tuple(found)

    @property
    def _all_organs(self) -> tuple[OrganAtRisk, ...]:
        """Those that a grid may show; where all is one tissue there is no room air."""
        uniform = self.anatomy.phantom == "uniform" or self.anatomy.tissue is not None
        return self.organs(skin_is_seen=not uniform)

    @property
    def exposure_thresholds_c(self) -> tuple[float, ...]:
        """Temperatures whose exposure is counted: isotherms, those of cell kill, organ limits."""
        found = {0.0, -20.0, -40.0, *self.report.isotherms_c}
        if self.target is not None:
            found.add(self.target.lethal_c)
        for organ in self._all_organs:
            if organ.min_temperature_c is not None:
                found.add(organ.min_temperature_c)
        return tuple(sorted(found, reverse=True))

    def metrics(self) -> tuple[str, ...]:
        """Return the dotted paths of all numbers that goals can be put on."""
        found = []
        if self.target is not None:
            levels = sorted({*self.report.isotherms_c, self.target.lethal_c}, reverse=True)
            found += goal_paths(TargetReport, "target", levels, limited=True)
        for organ in self._all_organs:
            limited = organ.min_temperature_c is not None
            found += goal_paths(OrganReport, f"organs_at_risk.{organ.name}", (), limited)
        for sensor in self.sensor:
            found += goal_paths(SensorReport, f"sensors.{sensor.name}", (), limited=False)
        return tuple(found)

    @model_validator(mode="after")
    def _check(self) -> Plan:
        for section in ("organ_at_risk", "sensor"):
            names = [part.name for part in getattr(self, section)]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{section}: two are named '{name}'; rename one")
        self._check_times()
        for number, warmer in enumerate(self.warmer):
            if warmer.temperature_c < self.body.temperature_c:
                raise ValueError(
                    f"warmer.{number}.temperature_c = {warmer.temperature_c:g} is colder than the "
                    f"body, {self.body.temperature_c:g} C; a warmer must be warmer"
                )
        watched = [*(one.name for one in self.sensor), *(one.name for one in self._all_organs)]
        for stage in self.protocol.stages:
            if stage.until is not None and stage.until not in watched:
                hint = did_you_mean(stage.until, watched)
                raise ValueError(
                    f"protocol: 'until {stage.until}' is no sensor and no organ_at_risk{hint}; "
                    f"known: {', '.join(watched) or 'none'}"
                )
        organs = [organ.name for organ in self.organ_at_risk]
        for shape in self.protection:
            if shape.beside is not None and shape.beside not in organs:
                raise ValueError(
                    f"protection '{shape.name}': beside = '{shape.beside}' is no organ_at_risk; "
                    f"known: {', '.join(organs) or 'none'}"
                )
        return self._with_known_goals()

    def _check_times(self) -> None:
        """Refuse what begins when the protocol is over."""
        starts = [
            (f"probe.{number}.runs_min", start)
            for number, probe in enumerate(self.probe)
            for start, _ in probe.runs_min
        ]
        starts += [
            (f"perfusion.stopped.{number}.minutes", stop.minutes[0])
            for number, stop in enumerate(self.perfusion.stopped)
            if stop.minutes is not None
        ]
        end_min = self.protocol.duration_s / 60
        for key, start in starts:
            if start >= end_min:
                raise ValueError(
                    f"{key}: {start:g} min lies after the end of the protocol, {end_min:g} min; "
                    "times are minutes of the procedure"
                )

    def _with_known_goals(self) -> Plan:
        """Write out the dotted paths of goals that are named by their ends."""
        metrics = self.metrics()
        whole = []
        for goal in self.goal:
            path = whole_path(goal.metric, metrics)
            whole.append(goal.model_copy(update={"metric": path}))
            if path not in metrics:
                hint = did_you_mean(goal.metric, metrics)
                raise ValueError(
                    f"goal.metric = '{goal.metric}' is not in the report{hint}; "
                    f"known: {', '.join(metrics)}"
                )
        object.__setattr__(self, "goal", tuple(whole))  # frozen from here on
        return self
