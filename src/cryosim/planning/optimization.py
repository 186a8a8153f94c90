"""How many probes, and where: ranked plans with full physics behind each."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..anatomy import Anatomy, place_anatomy
from ..errors import InputError, expect_type
from ..evaluation import Report, TargetShape, evaluate
from ..plan import GridPlan, Plan, Search
from ..probes import Probe
from ..results import digest, input_fingerprints, program_fingerprint
from ..simulation import Callback, Result
from ..tasks import EvaluationCallback, Evaluator, Journal
from ..tissue import TissueGrid
from .access import Access, map_access
from .candidate import Candidate
from .layout import reachable_directions
from .recheck import final_outcome, verified
from .robustness import Robustness, judge, variations_of
from .sample_points import Marks, place_marks
from .search import Ground, ground_of, obstacles, search_count, try_regular_grid
from .skin_help import SkinHelp, help_for_skin
from .template import Template
from .trial import Trial, carry_out
from .tried import ByCount, Evaluates, Tried, ranked
from .varied_runs import vary_tissues
from .worst_case import harden

__all__ = ["Optimization", "optimize"]

_DEFAULT_MODEL = "argon-17g"
# Templates are simulated for so many freeze shares, evenly in their logarithm.
_SHARES = 4
_SHORTEST_SHARE = 0.25  # of the protocol's freezes, unless the plan says how short they may be
_DIRECTIONS = 12
_CLEARLY_LESS = 0.97  # healthy tissue
# A target is so many voxels wide while searching, if such voxels are neither finer nor coarser.
_VOXELS_ACROSS, _FINEST_SEARCH_MM, _COARSEST_SEARCH_MM = 9.0, 2.0, 4.0
_BESIDE_TARGET_MM = 5.0


@dataclass(frozen=True, eq=False)
class Optimization:
    """What a search found.

    Attributes
    ----------
    plan : the best plan, its probes and protocol filled in; ready for `simulate`.
    result, report : of that plan, on the plan's own grid.
    best : the same on the grid of the search; ranked : the best of each number of probes and model,
        best plan first. baseline : regular grids of parallel probes. given : the plan's own probes.
    frugal : what met all goals while searching, froze least, and yet was passed over.
    robustness : what placement errors and unknown properties do to the best plan.
    final : `trial.outcome_of` the best plan on its own grid.
    ways : of 400 even directions, how many are free, and how many each constraint rules out.
    notes : what was taken for granted.
    simulations : on the grid of the search. wall_s : of everything.
    skin_help : what a warm pack does where skin is in the way; None where it is not.
    """

    plan: Plan
    result: Result
    report: Report
    best: Tried
    ranked: tuple[Tried, ...]
    baseline: tuple[Tried, ...]
    given: Tried | None
    frugal: Tried | None
    robustness: Robustness
    final: dict[str, Any]
    ways: dict[str, int]
    notes: tuple[str, ...]
    simulations: int
    wall_s: float
    skin_help: SkinHelp | None = None

    @property
    def passed(self) -> bool:
        """Whether all goals are met on the plan's own grid, by probes where probes may be.

        With `worst_case` also under all variations.
        """
        return self.report.passed and not self.best.obstacles and not self.best.missing_at_worst


def optimize(
    anatomy: Anatomy,
    plan: Plan,
    *,
    folder: Path | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    callbacks: Sequence[EvaluationCallback] = (),
    progress: Sequence[Callback] = (),
) -> Optimization:
    """Find how many probes meet the plan's goals with least healthy ice, where, and for how long.

    Parameters
    ----------
    anatomy : as read for the plan: the way to the skin is looked for in the whole image.
    plan : target, organs at risk, protocol and, in `plan.optimize`, what may be chosen. Its own
        probes are judged, too, and say which models may be used unless the section does.
    folder : where the journal is kept, so that the same call goes on after an interruption.
    executor : where candidates are simulated; spawned processes on this machine by default.
    jobs : so many of those.
    callbacks : watchers of the search. progress : of the last run, on the plan's own grid.

    Raises
    ------
    InputError
        When the plan has no target, a label is unknown, the folder holds another search, or none
        of the choices can be simulated, such as probes longer than the image.
    """
    expect_type("optimize: anatomy", anatomy, Anatomy, "read_anatomy returns one")
    expect_type("optimize: plan", plan, Plan, "read_plan returns one")
    started = time.perf_counter()
    if plan.target is None:
        raise InputError("optimize: the plan has no target; add [target]")
    search = plan.optimize or Search()
    _models(plan, search)  # refused before anything is read
    trial, marks, access = _scene(anatomy, plan, search)
    for callback in callbacks:
        callback.on_warnings(trial.tissue.warnings)
    with (
        _folder_of(folder) as kept,
        _journal(kept, plan) as journal,
        Evaluator(
            carry_out, trial, journal, executor=executor, jobs=jobs, callbacks=callbacks
        ) as evaluator,
    ):
        counted = _Counting(evaluator)
        grounds, ways = _prepare(trial, plan, search, marks, access, counted)
        tried = _search_counts(grounds, search, counted)
        given = _try_given(plan, grounds[0], counted)
        if search.worst_case:
            harden(tried, grounds, counted)
        best, result, report = verified(anatomy, plan, grounds, tried, counted, progress)
        plans = sorted(ranked(tried), key=lambda one: one is not best)
        counts = [best.candidate.count, best.candidate.count + 1]
        baseline = try_regular_grid(ground_of(best, grounds), counts, counted)
        robustness, _ = judge(best, variations_of(best, search), counted)
    # On the grid that `cryosim run` takes for it, so that it says the same of this plan.
    result = vary_tissues(result, callbacks=progress)
    report = evaluate(result)
    found = best.candidate.plan(plan)
    skin_help = help_for_skin(anatomy, found, result, report, progress)
    return Optimization(
        plan=found, result=result, report=report, best=best,
        ranked=tuple(plans), baseline=tuple(baseline), given=given,
        frugal=_frugal(tried, best), robustness=robustness,
        final=final_outcome(result, report), ways=ways,
        notes=tuple(access.notes), simulations=counted.simulations,
        wall_s=time.perf_counter() - started, skin_help=skin_help,
    )  # fmt: skip


def _scene(anatomy: Anatomy, plan: Plan, search: Search) -> tuple[Trial, Marks, Access]:
    """Put the anatomy on the grid of the search; say what counts there, and how to get there."""
    target = _target_alone(anatomy, plan)
    spacing_mm = search.spacing_of_search_mm or _spacing_mm(target)
    bare = _on_grid(plan, max(spacing_mm, plan.grid.spacing_mm), plan.grid.padding_mm)
    tissue = place_anatomy(anatomy, bare)
    marks = place_marks(tissue, bare)
    trial = Trial(tissue, _with_probes(bare, plan.probe), marks.points_mm, TargetShape.of(target))
    return trial, marks, map_access(anatomy, bare, search)


class _Counting:
    """Counts simulations of candidates on their way to the evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._seen: set[str] = set()

    @property
    def simulations(self) -> int:
        """How many different ones there were."""
        return len(self._seen)

    def evaluate(self, tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """See `Evaluator.evaluate`."""
        self._seen.update(digest(task) for task in tasks)
        return self._evaluator.evaluate(tasks)


@contextlib.contextmanager
def _folder_of(folder: Path | None) -> Iterator[Path]:
    """Return a folder for the journal; one that is thrown away where none was given."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="cryosim-search-") as name:
        yield Path(name)


def _journal(folder: Path, plan: Plan) -> Journal:
    """Open the journal of this plan, its images and this program."""
    key = digest(
        {
            "plan": plan.model_dump(mode="json"),
            "inputs": input_fingerprints(plan),
            "program": program_fingerprint(("planning", "tasks")),
        }
    )
    return Journal(folder / "journal.jsonl", key)


def _on_grid(plan: Plan, spacing_mm: float, padding_mm: float) -> Plan:
    """Return the plan without probes, on another grid."""
    grid = GridPlan(spacing_mm=spacing_mm, padding_mm=padding_mm)
    return plan.model_copy(update={"probe": (), "grid": grid})


def _target_alone(anatomy: Anatomy, plan: Plan) -> TissueGrid:
    """Put the target on voxels of the plan's own grid, with nothing far around it."""
    bare = _on_grid(plan, plan.grid.spacing_mm, _BESIDE_TARGET_MM).model_copy(
        update={"organ_at_risk": (), "warmer": (), "protection": (), "skin_pack": (), "sensor": ()}
    )
    return place_anatomy(anatomy, bare)


def _spacing_mm(target: TissueGrid) -> float:
    """Spacing of the search: the target is some voxels wide."""
    volume_mm3 = 1e3 * float(target.structures["target"].sum(dtype=float))
    volume_mm3 *= target.grid.cell_volume_ml
    across_mm = (6.0 / np.pi * volume_mm3) ** (1 / 3)
    spacing_mm = np.clip(across_mm / _VOXELS_ACROSS, _FINEST_SEARCH_MM, _COARSEST_SEARCH_MM)
    return round(float(spacing_mm), 1)


def _with_probes(bare: Plan, probes: tuple[Probe, ...]) -> Plan:
    """Return a plan with probes whose numbers candidates of their model take over."""
    return bare.model_copy(update={"probe": probes})


def _models(plan: Plan, search: Search) -> tuple[str, ...]:
    own = tuple(dict.fromkeys(probe.model for probe in plan.probe if probe.model != "custom"))
    if plan.probe and not own and not search.models:
        raise InputError(
            "optimize: the plan's probes are of no model of the catalog, and a search needs one; "
            "name some in optimize.models"
        )
    return search.models or own or (_DEFAULT_MODEL,)


def _freeze_shares(plan: Plan, search: Search) -> tuple[float, float]:
    """Shortest and longest share of the protocol's freezes."""
    if search.freeze_minutes is None:
        return _SHORTEST_SHARE, 1.0
    freezes = [stage.minutes for stage in plan.protocol.stages if stage.kind == "freeze"]
    low, high = search.freeze_minutes
    return low / max(freezes), high / max(freezes)


def _prepare(
    trial: Trial, plan: Plan, search: Search, marks: Marks, access: Access, evaluates: Evaluates
) -> tuple[list[Ground], dict[str, int]]:
    """Simulate the templates of every model and find out where probes may come from."""
    tissue = trial.tissue
    if trial.plan.target is None:  # excluded by `optimize`
        raise InputError("optimize: the plan has no target; add [target]")
    share = tissue.structures["target"]
    target_mm = tissue.grid.to_world(np.argwhere(share >= 0.5)[:, ::-1])
    directions, ways = reachable_directions(access, search, target_mm, _DIRECTIONS)
    low, high = _freeze_shares(plan, search)
    shares = np.round(np.geomspace(low, high, _SHARES if high > low else 1), 4)
    common = int(np.bincount(tissue.index[share >= 0.5]).argmax())
    grounds = []
    for model in _models(plan, search):
        tasks = [{"template": model, "tissue": common, "freeze_share": float(s)} for s in shares]
        found = evaluates.evaluate(tasks)
        template = Template(
            np.array([one["coldest_c"] for one in found]),
            shares,
            found[0]["first_z_mm"],
            found[0]["step_mm"],
            found[0]["active_length_mm"],
            plan.body.temperature_c,
        )
        target_ml = float(share.sum(dtype=float)) * tissue.grid.cell_volume_ml
        wanted_ml = _with_margin(target_ml, trial.plan.target.margin_mm)
        grounds.append(
            Ground(
                model, template, marks, access, trial.plan.target, wanted_ml, target_mm,
                directions, (low, high), search,
            )
        )  # fmt: skip
    return grounds, ways


def _with_margin(volume_ml: float, margin_mm: float) -> float:
    """Volume of a ball of so many ml and a margin around it."""
    radius_mm = (3e3 * volume_ml / (4.0 * np.pi)) ** (1 / 3)
    return 4e-3 / 3.0 * np.pi * (radius_mm + margin_mm) ** 3


def _search_counts(grounds: Sequence[Ground], search: Search, evaluates: Evaluates) -> ByCount:
    """Search with more and more probes, until one more costs more than it spares."""
    tried: ByCount = {}
    for count in range(search.min_probes, search.max_probes + 1):
        for ground in grounds:
            fewer = tried.get((ground.model, count - 1), [])
            tried[ground.model, count] = search_count(
                ground, count, evaluates, fewer=next(iter(fewer), None)
            )
        best = ranked(tried)[0]
        # The worst case may need more.
        if best.met and best.candidate.count < count and not search.worst_case:
            break
    return tried


def _frugal(tried: ByCount, best: Tried) -> Tried | None:
    """Return what meets the goals with least healthy ice, where that is clearly less."""
    met = [one for found in tried.values() for one in found if one.met]
    least = min(met, key=lambda one: float(one.outcome["healthy_frozen_ml"]), default=best)
    worth = _CLEARLY_LESS * float(best.outcome["healthy_frozen_ml"])
    return least if float(least.outcome["healthy_frozen_ml"]) < worth else None


def _try_given(plan: Plan, ground: Ground, evaluates: Evaluates) -> Tried | None:
    """Judge the probes that the plan already has, where they differ in nothing but place."""
    numbers = [probe.model_dump(exclude={"tip_mm", "entry_mm"}) for probe in plan.probe]
    if not numbers or numbers[0]["model"] == "custom" or any(one != numbers[0] for one in numbers):
        return None
    candidate = Candidate.placed(
        numbers[0]["model"],
        np.array([probe.tip_mm for probe in plan.probe]),
        np.array([probe.entry_mm for probe in plan.probe]),
        1.0,
    )
    (outcome,) = evaluates.evaluate([candidate.task()])
    wrong = obstacles(ground, candidate)
    return Tried(candidate, outcome, "the plan as given", obstacles=wrong)
