"""Planning: how many probes, and where."""

from .candidate import Candidate
from .dask_cluster import dask_executor
from .evaluator import EvaluationCallback, Evaluator, Outcome, Task
from .explain import WeakestPoint, direction_words, explain, times_of, weakest_point, what_is_wrong
from .journal import Journal
from .optimization import Optimization, optimize
from .robustness import Robustness
from .trial import missing_of
from .tried import Tried

__all__ = [
    "Candidate",
    "EvaluationCallback",
    "Evaluator",
    "Journal",
    "Optimization",
    "Outcome",
    "Robustness",
    "Task",
    "Tried",
    "WeakestPoint",
    "dask_executor",
    "direction_words",
    "explain",
    "missing_of",
    "optimize",
    "times_of",
    "weakest_point",
    "what_is_wrong",
]
