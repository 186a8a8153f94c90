"""The report as one page: HTML that needs nothing beside it, and PDF of it."""

from .html import html_report, write_html_report
from .pdf import write_pdf_report

__all__ = [
    "html_report",
    "write_html_report",
    "write_pdf_report",
]
