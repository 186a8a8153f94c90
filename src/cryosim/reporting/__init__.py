"""The report for people and programs: terminal tables, JSON, HTML and PDF."""

from .benchmark_files import batch_document, write_batch
from .benchmark_tables import print_batch
from .calibration_tables import print_calibration
from .comparison_files import comparison_document, write_comparison
from .comparison_tables import print_comparison
from .document import report_document, write_report
from .mask_files import masks_document, print_masks, write_masks
from .page import html_report, write_html_report, write_pdf_report
from .plans_tables import print_plans
from .result_folder import write_result
from .seen_files import print_seen, seen_document, write_seen
from .terminal import VERDICT_STYLE, print_report

__all__ = [
    "VERDICT_STYLE",
    "batch_document",
    "comparison_document",
    "html_report",
    "masks_document",
    "print_batch",
    "print_calibration",
    "print_comparison",
    "print_masks",
    "print_plans",
    "print_report",
    "print_seen",
    "report_document",
    "seen_document",
    "write_batch",
    "write_comparison",
    "write_html_report",
    "write_masks",
    "write_pdf_report",
    "write_report",
    "write_result",
    "write_seen",
]
