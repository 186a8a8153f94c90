"""One run: steps from switch to switch, with records on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import exposure

from ..geometry import read_only
from ..plan import Plan
from ..probes import ProbeCoupling, probe_share
from ..tissue import TissueGrid
from .blood_flow import BloodFlow
from .callbacks import Callback
from .course import CourseRecorder
from .drives import Drives, stage_at
from .ledger import Bookkeeping
from .probe_voxels import ProbeVoxels
from .result import Performance, Result
from .sensors import CurveRecorder
from .state import INNER, State
from .stepping import Integrator
from .stops import flow_times, switch_times
from .watch import Watch

__all__ = ["Run"]

Array = NDArray[Any]

# For so long after a switch the tissue at a probe may fall to the probe's own temperature within a
# step; later, by no more than this share of the rest.
_SETTLING_S = 10.0
_SETTLED_SHARE = 0.25

# A freeze that ends within this time was not to begin.
_AT_ONCE_MIN = 0.01

# Exposure is recorded in rows of voxels that have come so close to what is to be recorded.
_EXPOSED_EARLY_K = 5.0


class Run:
    """Stepping from switch to switch, with records on the way."""

    def __init__(
        self,
        tissue: TissueGrid,
        plan: Plan,
        state: State,
        integrator: Integrator,
        coupling: ProbeCoupling,
        thresholds: Sequence[float],
        callbacks: Sequence[Callback],
        course_every_s: float,
    ) -> None:
        self.tissue, self.plan, self.state = tissue, plan, state
        self.integrator, self.coupling = integrator, coupling
        self.thresholds, self.callbacks = np.array(thresholds), callbacks
        # Rows long before anything is counted in them, so that none is looked at too late.
        self._exposed_below_c = max(0.0, *thresholds) + _EXPOSED_EARLY_K
        self.steps = 0
        self.drives = Drives(plan, state)
        self.blood_flow = BloodFlow(plan, tissue, state)
        self.books = Bookkeeping(tissue, state)
        self.curves = CurveRecorder(tissue.grid, plan.sensor, state)
        self.probe_voxels = ProbeVoxels(tissue.grid, coupling)
        self.course = CourseRecorder(tissue, plan, state, thresholds, course_every_s)
        self.ended: list[str] = []
        self.snapshots: list[tuple[float, NDArray[np.float32]]] = []

    def go(self, stops_of: Callable[[Plan], Sequence[float]]) -> None:
        """Step through the protocol, keeping fields at each stop.

        Parameters
        ----------
        stops_of : gives the times at which fields of a plan are kept; a stage that ends early makes
            another plan of it.
        """
        for callback in self.callbacks:
            callback.on_start(self.plan.protocol.duration_s)
        self._keep(0.0)
        self.course.record(0.0)
        begin = switched = 0.0
        while begin < self.plan.protocol.duration_s:
            switches = switch_times(self.plan)
            # Blood that stops or returns changes nothing at once: steps stay as long as they are.
            switched = begin if begin in switches else switched
            moments = (*switches, *flow_times(self.plan))
            end = min(time_s for time_s in moments if time_s > begin)
            stops = [stop for stop in stops_of(self.plan) if begin < stop <= end]
            self.drives.switch(begin)
            self.blood_flow.switch(begin)
            reached = self._run_until(switched, begin, end, stops)
            begin = end if reached == end else self._end_stage(reached)
        for callback in self.callbacks:
            callback.on_end()

    def _end_stage(self, time_s: float) -> float:
        """Let the stage of the moment end there, and what comes after it follow; return when."""
        planned, at = self.plan.protocol, stage_at(self.plan.protocol, time_s)
        protocol = planned.ended_early(time_s)
        stage = planned.stages[at]
        freezes = sum(one.kind == "freeze" for one in planned.stages[: at + 1])
        minutes = protocol.stages[at].minutes
        self.ended.append(
            f"freeze {freezes} was ended after {minutes:.1f} of {stage.minutes:g} min, when "
            f"{stage.until} had fallen to {stage.until_c:g} C"
            if minutes >= _AT_ONCE_MIN
            else f"freeze {freezes} of {stage.minutes:g} min was ended at once: {stage.until} was "
            f"at {stage.until_c:g} C or colder when it began"
        )
        self.plan = self.plan.with_protocol(protocol)
        self.drives.follow(self.plan)
        self.blood_flow.follow(self.plan)
        self.course.record(time_s, asked=True)
        end_s = protocol.ends_s()[at]
        self._keep(end_s)
        return end_s

    def _run_until(
        self, switched_s: float, now: float, end_s: float, kept: Sequence[float]
    ) -> float:
        """Step on to the end of what probes and blood do now; return when that was.

        `switched_s` is when probes were switched last.
        """
        self.integrator.refresh()
        self.curves.record(now)
        watch = Watch.of(self.tissue, self.plan, self.state, now)
        for stop in (*kept, *(() if end_s in kept else (end_s,))):
            while now < stop - 1e-9:
                coldest_c = self._coldest_ahead_c(now - switched_s)
                step = self.integrator.next_step_s(now - switched_s, coldest_c)
                step = min(step, watch.longest_step_s)
                # Equal steps to the stop, so that none is tiny.
                step = (stop - now) / max(1, int(np.ceil((stop - now) / step - 1e-9)))
                if self.drives.at(now + step / 2):
                    self.integrator.refresh()
                self.books.heat += self.integrator.advance(step, coldest_c)
                self.steps += 1
                now += step
                if not np.isfinite(self.state.coldest_now_c):
                    raise FloatingPointError(
                        f"the simulation became unstable at {now:g} s; please report this plan"
                    )
                self._record(now, step)
                if watch.ends(step):
                    return round(now, 6)
            now = stop
            if stop in kept:
                self._keep(stop)
        self.course.record(end_s, asked=True)
        return end_s

    def _coldest_ahead_c(self, since_switch_s: float) -> float:
        """Coldest temperature that the next step may meet."""
        now, driven = self.state.coldest_now_c, min(self.drives.coldest_c, self.state.coldest_now_c)
        unsettled = since_switch_s < _SETTLING_S or self.drives.follows_curve
        share = 1.0 if unsettled else _SETTLED_SHARE
        return now + share * (driven - now)

    def _record(self, now: float, step_s: float) -> None:
        self.probe_voxels.fill(self.state)
        state = self.state
        state.exposed |= state.row_coldest < self._exposed_below_c
        exposure.record_exposure(
            state.temperature,
            state.index,
            state.exposed,
            state.liquidus,
            state.solidus,
            now,
            step_s,
            self.thresholds,
            self.plan.perfusion.stays_off_after_freezing,
            state.earlier,
            state.coldest,
            state.time_below,
            state.freezes_below,
            state.crossed_at,
            state.cooling_rate,
            state.thawing_rate,
            state.perfusable,
        )
        self.curves.record(now)
        self.course.record(now)
        for callback in self.callbacks:
            callback.on_progress(now)

    def _keep(self, time_s: float) -> None:
        field = self.state.temperature[INNER].astype(np.float32)
        field.flags.writeable = False
        self.snapshots.append((time_s, field))
        for callback in self.callbacks:
            callback.on_snapshot(time_s, field)

    def result(self, performance: Performance, assumptions: tuple[str, ...]) -> Result:
        """Cut the ghost layer off and lock everything."""
        state = self.state
        course = self.course.course(self.snapshots[-1][0])
        self.integrator.store_energy()
        energy = self.books.close()
        # Each field is let go when its inner part has been copied.
        del (
            self.integrator,
            self.probe_voxels,
            self.course,
            state.energy,
            state.earlier,
            state.perfusable,
        )

        def by_threshold(fields: Array) -> dict[float, Array]:
            found = zip(self.thresholds.tolist(), fields, strict=True)
            return {threshold: _inner(field) for threshold, field in found}

        return Result(
            tissue=self.tissue,
            plan=self.plan,
            times_s=tuple(time_s for time_s, _ in self.snapshots),
            temperatures_c=tuple(field for _, field in self.snapshots),
            coldest_c=_inner(state.coldest),
            time_below_s=by_threshold(state.time_below),
            freezes_below=by_threshold(state.freezes_below),
            cooling_rate_k_min=_inner(state.cooling_rate),
            thawing_rate_k_min=_inner(state.thawing_rate),
            probe_share=read_only(probe_share(self.tissue.grid, self.plan.needles)),
            flux_ratio=tuple(float(ratio) for ratio in self.coupling.flux_ratio),
            curves=self.curves.curves(),
            energy=energy,
            performance=performance,
            assumptions=assumptions,
            course=course,
            ended_early=tuple(self.ended),
        )


def _inner(field: Array) -> Array:
    return read_only(field[INNER])
