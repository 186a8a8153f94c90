"""Comparing two results, or a result with the ice that was seen: numbers, and a picture of both."""

from .compare import ComparedGoal, ComparedNumber, Comparison, PlanDifference, compare_results
from .seen import SeenComparison, compare_with_seen
from .seen_files import print_seen, seen_document, write_seen
from .tables import print_comparison
from .writing import comparison_document, write_comparison

__all__ = [
    "ComparedGoal",
    "ComparedNumber",
    "Comparison",
    "PlanDifference",
    "SeenComparison",
    "compare_results",
    "compare_with_seen",
    "comparison_document",
    "print_comparison",
    "print_seen",
    "seen_document",
    "write_comparison",
    "write_seen",
]
