"""Planning: how many probes, and where."""

from .candidate import Candidate
from .explanation import (
    WeakestPoint,
    explain,
    times_of,
    weakest_point,
    what_is_wrong,
)
from .found_plans import (
    ROBUSTNESS_COLUMNS,
    TRADE_OFF_COLUMNS,
    TradeOff,
    conditions_of_met,
    plans_document,
    ranked_plans,
    read_plans,
    robustness_rows,
    trade_off_rows,
    write_plans,
)
from .optimization import Optimization, optimize
from .robustness import Robustness
from .shortest import Shortest, shortest_protocol
from .skin_help import SKIN_HELP_COLUMNS, SkinHelp, skin_help_rows
from .trial import missing_of
from .tried import Tried
from .varied_runs import vary_tissues

__all__ = [
    "ROBUSTNESS_COLUMNS",
    "SKIN_HELP_COLUMNS",
    "TRADE_OFF_COLUMNS",
    "Candidate",
    "Optimization",
    "Robustness",
    "Shortest",
    "SkinHelp",
    "TradeOff",
    "Tried",
    "WeakestPoint",
    "conditions_of_met",
    "explain",
    "missing_of",
    "optimize",
    "plans_document",
    "ranked_plans",
    "read_plans",
    "robustness_rows",
    "shortest_protocol",
    "skin_help_rows",
    "times_of",
    "trade_off_rows",
    "vary_tissues",
    "weakest_point",
    "what_is_wrong",
    "write_plans",
]
