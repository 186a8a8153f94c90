"""Where and when there is no blood flow: a clamped pedicle, an embolized tumor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, did_you_mean
from ..plan import FlowStop, Plan
from ..tissue import Tissue, TissueGrid, TissueLibrary, library_with
from .tissue_table import column

if TYPE_CHECKING:
    from .state import State  # which brings Numba

__all__ = ["BloodFlow", "absent_from_box", "flow_words"]

F64 = NDArray[np.float64]

# Edges are rounded to a microsecond.
_MOMENT_S = 1e-6


@dataclass(frozen=True, eq=False)
class _Gap:
    """A time without flow.

    Attributes
    ----------
    stop : what the plan says. start_s, end_s : when it is.
    rows : (n,) bool; in which tissues of the grid.
    """

    stop: FlowStop
    start_s: float
    end_s: float
    rows: NDArray[np.bool_]


class BloodFlow:
    """Keeps the blood of `state.table` up to date as time goes on.

    Raises
    ------
    InputError
        When a stop names a tissue that nobody knows.
    """

    def __init__(self, plan: Plan, tissue: TissueGrid, state: State) -> None:
        self._tissue, self._state = tissue, state
        self._whole = column(state.table, "blood_coefficient").copy()
        self.follow(plan)

    def follow(self, plan: Plan) -> None:
        """Go on by a plan that differs in when stages end."""
        self._gaps = _gaps(plan, self._tissue)

    def switch(self, time_s: float) -> None:
        """Let flow stop or return as the plan says for what comes after this moment."""
        blood = column(self._state.table, "blood_coefficient")
        blood[:] = np.where(_stopped(self._gaps, time_s, len(blood)), 0.0, self._whole)


def flow_words(plan: Plan, tissue: TissueGrid) -> list[str]:
    """Say where and when flow is stopped, for the report; only what is in the grid."""
    found = []
    for gap in _gaps(plan, tissue):
        stopped = [known.name for known in _in_box(tissue, gap.rows)]
        names = "all tissues" if gap.stop.tissues is None else _listed(stopped)
        if stopped:
            found.append(f"blood flow of {names} is stopped {_when(gap.stop)}")
    if found and tissue.heat_sink is not None and tissue.heat_sink.any():
        found.append("wide vessels stay as warm as blood while flow is stopped")
    return found


def absent_from_box(plan: Plan, tissue: TissueGrid) -> list[str]:
    """Warn of stops of tissues that are known, but nowhere in the grid.

    Raises
    ------
    InputError
        When a stop names a tissue that nobody knows.
    """
    library, found = _known(plan, tissue), []
    for number, stop in enumerate(plan.perfusion.stopped):
        for name in stop.tissues or ():
            known = _found_name(name, _key(number), library)
            rows = np.array([_belongs(each, known) for each in tissue.tissues])
            if not _in_box(tissue, rows):
                found.append(
                    f"{_key(number)}: there is no {known} in the simulated box, whose blood flow "
                    "could be stopped"
                )
    return found


def _gaps(plan: Plan, tissue: TissueGrid) -> tuple[_Gap, ...]:
    if not plan.perfusion.stopped:
        return ()
    library = _known(plan, tissue)
    return tuple(
        _Gap(stop, *_times_s(stop), _rows_of(stop, _key(number), tissue.tissues, library))
        for number, stop in enumerate(plan.perfusion.stopped)
    )


def _known(plan: Plan, tissue: TissueGrid) -> TissueLibrary:
    """Return the library, the plan's own tissues, and those that are in the grid already."""
    return library_with(plan.tissue).with_tissues(tissue.tissues)


def _key(number: int) -> str:
    return f"perfusion.stopped.{number}.tissues"


def _times_s(stop: FlowStop) -> tuple[float, float]:
    if stop.minutes is None:
        return -np.inf, np.inf
    start, end = stop.minutes
    return 60.0 * start, 60.0 * end


def _rows_of(
    stop: FlowStop, key: str, tissues: Sequence[Tissue], library: TissueLibrary
) -> NDArray[np.bool_]:
    if stop.tissues is None:
        return np.ones(len(tissues), dtype=np.bool_)
    names = [_found_name(name, key, library) for name in stop.tissues]
    return np.array([any(_belongs(each, name) for name in names) for each in tissues])


def _found_name(name: str, key: str, library: TissueLibrary) -> str:
    """Return a tissue's name in the library's spelling, or refuse it."""
    known = library.find_name(name)
    if known is None:
        nearest = did_you_mean(name, (*library.names, *library.aliases))
        raise InputError(
            f"{key}: '{name}' is no tissue of the library or the plan{nearest}; "
            f"known: {', '.join(library.names)}"
        )
    return known


def _belongs(tissue: Tissue, name: str) -> bool:
    """Whether a tissue stops with that of a name: it is that, or is fed by it."""
    return tissue.is_called(name) or name == tissue.flow_of


def _stopped(gaps: Sequence[_Gap], time_s: float, count: int) -> NDArray[np.bool_]:
    """(count,) by tissue; whether its flow is stopped after a moment."""
    now = np.zeros(count, dtype=np.bool_)
    for gap in gaps:
        if gap.start_s - _MOMENT_S <= time_s < gap.end_s - _MOMENT_S:
            now |= gap.rows
    return now


def _in_box(tissue: TissueGrid, rows: NDArray[np.bool_]) -> list[Tissue]:
    return [
        tissue.tissues[number] for number in np.flatnonzero(rows) if (tissue.index == number).any()
    ]


def _listed(names: Sequence[str]) -> str:
    once = list(dict.fromkeys(names))
    return " and ".join(filter(None, [", ".join(once[:-1]), *once[-1:]]))


def _when(stop: FlowStop) -> str:
    if stop.minutes is None:
        return "throughout"
    start, end = stop.minutes
    return f"from {round(start, 1):g} to {round(end, 1):g} min"
