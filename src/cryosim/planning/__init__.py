"""Planning: candidates evaluated in parallel, each kept at once in a journal."""

from .dask_cluster import dask_executor
from .evaluator import EvaluationCallback, Evaluator, Outcome, Task
from .journal import Journal

__all__ = ["EvaluationCallback", "Evaluator", "Journal", "Outcome", "Task", "dask_executor"]
