"""The part of the page about a search: why this plan, what others give, how sure it is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...pictures import TRADE_OFF_QUANTITIES, plot_trade_off
from ...planning import (
    ROBUSTNESS_COLUMNS,
    SKIN_HELP_COLUMNS,
    TradeOff,
    conditions_of_met,
    robustness_rows,
    skin_help_rows,
    trade_off_rows,
)
from ..wording import celsius
from .drawings import chart
from .markup import Html, caption, element, items, join, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["planned"]


def planned(document: Mapping[str, Any] | None) -> Html | None:
    """Say what a search found.

    Parameters
    ----------
    document : content of plans.json; None where the plan was not searched for.
    """
    if document is None:
        return None
    plans = [
        (row.plan, _verdict(row, limits), str(row.probes), row.coverage, row.margin, row.healthy)
        for row, limits in zip(trade_off_rows(document), conditions_of_met(document), strict=True)
    ]
    sure = [tuple(map(celsius, row)) for row in robustness_rows(document)]
    charts = [
        chart(functools.partial(_draw, document, quantity), f"{title}, by the number of probes")
        for quantity, (title, *_) in TRADE_OFF_QUANTITIES.items()
    ]
    packed = [tuple(map(celsius, row)) for row in skin_help_rows(document)]
    return join(
        items([celsius(sentence) for sentence in document["explanation"]]),
        table(("plan", "goals", "probes", "coverage", "margin", "healthy"), plans, words=2),
        element("div", *charts, class_="charts three"),
        element("h3", "With a warm pack on the skin") if packed else Html(""),
        table(SKIN_HELP_COLUMNS, packed, words=3) if packed else Html(""),
        element("h3", "If not all is as planned"),
        table(ROBUSTNESS_COLUMNS, sure) if sure else Html(""),
        caption(
            "The best plan as its own grid shows it; all others, and the variations, on the "
            "coarser voxels of the search."
        ),
    )


def _verdict(row: TradeOff, limits: str) -> str:
    return f"met{limits}" if row.missed is None else f"missed: {celsius(row.missed)}"


def _draw(document: Mapping[str, Any], quantity: str, axes: Axes) -> None:
    plot_trade_off(document, quantity, axes)
    axes.legend(fontsize="small")
