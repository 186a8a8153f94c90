"""Many simulations at once: processes or a cluster, each outcome kept in a journal at once."""

from .dask_cluster import dask_executor
from .evaluator import EvaluationCallback, Evaluator, Outcome, Task
from .journal import Journal

__all__ = [
    "EvaluationCallback",
    "Evaluator",
    "Journal",
    "Outcome",
    "Task",
    "dask_executor",
]
