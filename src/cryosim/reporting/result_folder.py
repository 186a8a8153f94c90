"""All files that a simulated plan leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import expect_type
from ..evaluation import Report
from ..files import filling
from ..images import write_probe_lines
from ..pictures import draw_planes
from ..plan import probe_lines
from ..results import save_result
from ..scene import save_picture
from ..simulation import Result
from .document import write_report
from .page import write_html_report

__all__ = ["write_result"]


def write_result(
    report: Report, result: Result, folder: str | Path, plans: Mapping[str, Any] | None = None
) -> str:
    """Write what `cryosim run` writes: result, report as JSON and page, probes, pictures.

    Parameters
    ----------
    folder : made when missing.
    plans : content of plans.json, where a search found this plan.

    Returns
    -------
    What is to be said of the picture, such as that this computer cannot draw 3-D; or nothing.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    expect_type("write_result: report", report, Report, "evaluate returns one")
    expect_type("write_result: result", result, Result, "simulate returns one")
    with filling(folder) as partial:
        write_report(report, result, partial / "report.json")
        save_result(result, partial / "result.vtkhdf")
        write_probe_lines(probe_lines(result.plan), partial / "probes.mrk.json")
        draw_planes(result).savefig(partial / "planes.png", dpi=150)
        picture = partial / "picture.png"
        note = save_picture(result, picture)
        write_html_report(report, result, partial / "report.html", picture=picture, plans=plans)
    return note
