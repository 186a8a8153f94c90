"""The report as one page: HTML that needs nothing beside it."""

from .write import html_report, write_html_report

__all__ = ["html_report", "write_html_report"]
