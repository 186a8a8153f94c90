"""What commands write: to the console, and all files of a folder or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import filling

if TYPE_CHECKING:
    from rich.console import Console

    from ..evaluation import Report
    from ..simulation import Result

__all__ = ["all_or_nothing", "new_console", "write_result"]


def new_console() -> Console:
    """Return the console that commands print to."""
    from rich.console import Console

    return Console()


@contextmanager
def all_or_nothing(output: Path) -> Iterator[Path]:
    """Give a folder to write to; its files move to `output`, and are named, if all went well."""
    with filling(output, "output") as partial:
        yield partial
        names = ", ".join(sorted(path.name for path in partial.iterdir()))
    new_console().print(f"wrote {output}/: {names}", highlight=False, markup=False)


def write_result(
    report: Report, result: Result, folder: Path, plans: Mapping[str, Any] | None = None
) -> str:
    """Write what every simulated plan leaves behind; return what is to be said of the picture."""
    from ..images import write_probe_lines
    from ..pictures import draw_planes
    from ..plan import probe_lines
    from ..reporting import write_html_report, write_report
    from ..results import save_result
    from ..scene import save_picture

    write_report(report, result, folder / "report.json")
    save_result(result, folder / "result.vtkhdf")
    write_probe_lines(probe_lines(result.plan), folder / "probes.mrk.json")
    draw_planes(result).savefig(folder / "planes.png", dpi=150)
    note = save_picture(result, folder / "picture.png")
    write_html_report(
        report, result, folder / "report.html", picture=folder / "picture.png", plans=plans
    )
    return note
