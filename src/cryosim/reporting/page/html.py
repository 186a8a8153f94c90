"""Put the page together, and write it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, TypedDict, Unpack

from ... import __version__
from ...errors import expect_type
from ...evaluation import DISCLAIMER, Report
from ...files import replacing
from ...simulation import Result
from ..wording import amount
from . import numbers, shown
from .markup import Html, element, join
from .planned import planned

__all__ = ["Beside", "html_report", "write_html_report"]


class Beside(TypedDict, total=False):
    """What a page shows beside report and result, see `write_html_report`."""

    picture: Path | None
    plans: Mapping[str, Any] | None


def write_html_report(
    report: Report, result: Result, path: str | Path, **beside: Unpack[Beside]
) -> None:
    """Write the report as one HTML file that needs no network and nothing beside it.

    Parameters
    ----------
    beside : `picture`, a PNG of the 3-D scene that `save_picture` wrote, else it is drawn; `plans`,
        content of plans.json, where a search found this plan.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    text = html_report(report, result, **beside)
    with replacing(path, "report") as partial:
        partial.write_text(text, encoding="utf-8")


def html_report(
    report: Report,
    result: Result,
    *,
    picture: Path | None = None,
    plans: Mapping[str, Any] | None = None,
) -> str:
    """Return the report as HTML, see `write_html_report`; it names neither patient nor files."""
    expect_type("report", report, Report, "evaluate returns one")
    expect_type("result", result, Result, "simulate returns one")
    judged = shown.verdict(report, result)
    sections = (
        ("verdict", "Verdict", join(judged, numbers.warnings(report))),
        ("plans", "Why this plan", planned(plans)),
        ("pictures", "The ice at the end of each freeze", shown.pictures(result)),
        ("scene", "In 3-D", shown.three_d(result, picture)),
        ("growth", "Growth of the ice", shown.growth(report, result)),
        ("temperatures", "How cold was how much", shown.histogram(report, result)),
        ("margins", "Margins", shown.margins(report, result)),
        ("kill", "Cell kill", numbers.kill(report)),
        ("sensors", "Sensors", shown.sensors(report, result)),
        ("probes", "Probes", numbers.probes(report, result)),
        ("protocol", "Protocol", shown.protocol(result)),
        ("energy", "Energy", numbers.energy(result)),
        ("numerics", "Numerics", numbers.numerics(result)),
        ("assumptions", "Assumptions", numbers.basis(report)),
        ("sources", "Sources", numbers.sources(report)),
        ("versions", "Versions", numbers.versions()),
    )
    present = [(key, title, content) for key, title, content in sections if content is not None]
    links = [element("a", title, href=f"#{key}") for key, title, _ in present]
    parts = [
        element("section", element("h2", title), content, id_=key)
        for key, title, content in present
    ]
    return Template(_read("page.html")).substitute(
        style=_read("page.css"),
        summary=join(_summary(report, result)),
        written=f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        version=__version__,
        disclaimer=join(DISCLAIMER),
        links=join(*links),
        sections=Html("\n".join(parts)),
    )


def _summary(report: Report, result: Result) -> str:
    plan = result.plan
    models = ", ".join(dict.fromkeys(probe.model for probe in plan.probe))
    count = len(plan.probe)
    words = [f"{count} probe{'s' * (count != 1)} {models}", plan.protocol.describe()]
    if report.target is not None:
        words.append(f"target {amount(report.target.volume_ml, 'ml')}")
    return " · ".join(words)


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
