"""Comparing two results: goals and numbers side by side, and a picture of both."""

from .compare import ComparedGoal, ComparedNumber, Comparison, PlanDifference, compare_results
from .tables import print_comparison
from .writing import comparison_document, write_comparison

__all__ = [
    "ComparedGoal",
    "ComparedNumber",
    "Comparison",
    "PlanDifference",
    "compare_results",
    "comparison_document",
    "print_comparison",
    "write_comparison",
]
