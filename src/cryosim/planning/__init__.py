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
from .trial import missing_of
from .tried import Tried

__all__ = [
    "ROBUSTNESS_COLUMNS",
    "TRADE_OFF_COLUMNS",
    "Candidate",
    "Optimization",
    "Robustness",
    "Shortest",
    "TradeOff",
    "Tried",
    "WeakestPoint",
    "explain",
    "missing_of",
    "optimize",
    "plans_document",
    "ranked_plans",
    "read_plans",
    "robustness_rows",
    "shortest_protocol",
    "times_of",
    "trade_off_rows",
    "weakest_point",
    "what_is_wrong",
    "write_plans",
]
