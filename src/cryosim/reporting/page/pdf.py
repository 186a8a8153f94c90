"""The report as PDF: the same page, laid out for paper."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Unpack

from ...errors import InputError
from ...evaluation import Report
from ...files import replacing
from ...simulation import Result
from .html import Beside, html_report

__all__ = ["write_pdf_report"]

_INSTEAD = "or print report.html from a browser"
_NO_LIBRARY = f"a PDF needs WeasyPrint: pip install 'cryosim[pdf]', {_INSTEAD}"
_NO_PANGO = (
    "a PDF needs Pango for WeasyPrint; on Debian and Ubuntu: apt install libpango-1.0-0 "
    f"libpangoft2-1.0-0 libharfbuzz-subset0, {_INSTEAD}"
)


def write_pdf_report(
    report: Report, result: Result, path: str | Path, **beside: Unpack[Beside]
) -> None:
    """Write the report as PDF, with page numbers, and alternative texts for screen readers.

    Parameters
    ----------
    beside : as of `write_html_report`.

    Raises
    ------
    InputError
        When WeasyPrint or Pango is not installed, or the file cannot be written.
    """
    try:
        with redirect_stdout(StringIO()):  # WeasyPrint prints a page about it
            from weasyprint import HTML
            from weasyprint.urls import URLFetcher
    except ImportError:
        raise InputError(_NO_LIBRARY) from None
    except OSError:
        raise InputError(_NO_PANGO) from None
    text = html_report(report, result, **beside)
    # The page holds all it shows: nothing is fetched, whatever it says.
    only_inside = URLFetcher(allowed_protocols=["data"], fail_on_errors=True)
    with replacing(path, "report") as partial:
        HTML(string=text, url_fetcher=only_inside).write_pdf(partial, pdf_tags=True)
