"""Run every verification and validation case and write its page, figure and the summary.

Usage: python -m benchmarks.vv [NAME ...] [--jobs N] [--seed N] [-o DIR]

One process a case, one thread a process. Without names all cases run and the summary is rewritten;
with names only their pages are, and the summary takes the others from its last run.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

if TYPE_CHECKING:
    from evidence import Case, Check, Evidence

PAGES = ROOT / "docs" / "vv"
RECORD = "summary.json"


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every check is as expected."""
    options = _parse(arguments)
    os.environ["CRYOSIM_VV_SEED"] = str(options.seed)
    os.environ["NUMBA_NUM_THREADS"] = "1"  # read by the worker processes when they import numba
    from evidence import find_cases

    cases = [case for case in find_cases() if not options.names or case.name in options.names]
    unknown = set(options.names) - {case.name for case in cases}
    if unknown:
        known = ", ".join(case.name for case in find_cases())
        print(f"no case {', '.join(sorted(unknown))}; there are: {known}", file=sys.stderr)
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    earlier = _earlier(options.output) if options.names else None
    rows = {row["name"]: row for row in earlier["cases"]} if earlier else {}
    started = time.perf_counter()
    # Long ones first, so that no core idles at the end.
    cases.sort(key=lambda case: not case.slow)
    with concurrent.futures.ProcessPoolExecutor(
        options.jobs, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        work = {pool.submit(_write_case, case.name, options.output): case for case in cases}
        for future in concurrent.futures.as_completed(work):
            row = future.result()
            rows[row["name"]] = row
            print(f"{row['name']}: {row['verdict']} ({row['wall_s']:.0f} s)", flush=True)
    order = [case.name for case in find_cases()]
    found = sorted(rows.values(), key=lambda row: order.index(row["name"]))
    facts = earlier["made_with"] if earlier else _facts(time.perf_counter() - started)
    _write_summary(found, facts, options.output)
    return 0 if all(row["as_expected"] for row in found) else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vv", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases to run; all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--seed", type=int, default=1, help="of the random poses")
    parser.add_argument("-o", "--output", type=Path, default=PAGES, metavar="DIR")
    return parser.parse_args(arguments)


def _write_case(name: str, folder: Path) -> dict[str, Any]:
    """Run one case, write its page and figure, return its row of the summary."""
    from evidence import find_cases

    case = next(case for case in find_cases() if case.name == name)
    started = time.perf_counter()
    evidence = case.run()
    wall_s = time.perf_counter() - started
    if evidence.draw is not None:
        _draw(evidence, folder / f"{name}.png")
    (folder / f"{name}.md").write_text(_page(case, evidence), encoding="utf-8")
    missed = [check for check in evidence.checks if not check.met]
    return {
        "name": name,
        "title": case.title,
        "kind": case.kind,
        "checks": [dataclasses.asdict(check) for check in evidence.checks],
        "verdict": _verdict(len(evidence.checks), len(missed)),
        "as_expected": all(check.as_expected for check in evidence.checks),
        "wall_s": round(wall_s, 1),
    }


def _verdict(checks: int, missed: int) -> str:
    return "met" if missed == 0 else f"{missed} of {checks} not met"


def _draw(evidence: Evidence, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    evidence.draw(figure)  # type: ignore[misc]
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _page(case: Case, evidence: Evidence) -> str:
    verdict = _verdict(len(evidence.checks), sum(not check.met for check in evidence.checks))
    parts = [
        f"# {case.title}",
        f"*{case.kind.capitalize()}; {verdict}.* Written by `python -m benchmarks.vv {case.name}`.",
        f"## What is solved\n\n{case.equation.strip()}",
        f"## Set-up\n\n{case.setup.strip()}",
        "## Result\n\n" + _check_table(evidence.checks),
    ]
    if evidence.rows:
        parts.append(_table(evidence.header, evidence.rows))
    if evidence.draw is not None:
        parts.append(f"![{case.title}]({case.name}.png)")
    parts += [note.strip() for note in evidence.notes]
    parts.append(f"## Source\n\n{case.source.strip()}")
    return "\n\n".join(parts) + "\n"


def _check_table(checks: tuple[Check, ...]) -> str:
    rows = [
        (check.name, f"{_number(check.value)} {check.unit}".strip(), _limits(check), _met(check))
        for check in checks
    ]
    return _table(("what", "found", "limits", "verdict"), rows)


def _met(check: Check) -> str:
    if check.met:
        return "met"
    return f"**not met**: {check.known}" if check.known else "**not met**"


def _limits(check: Check) -> str:
    if check.low is None:
        return f"at most {_number(check.high)} {check.unit}".strip()
    if check.high is None:
        return f"at least {_number(check.low)} {check.unit}".strip()
    return f"{_number(check.low)} to {_number(check.high)} {check.unit}".strip()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _table(header: tuple[str, ...], rows: object) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]  # type: ignore[attr-defined]
    return "\n".join(lines)


def _earlier(folder: Path) -> Any:
    """Return the record of the last run; None where there is none."""
    path = folder / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _facts(wall_s: float) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "wall_s": round(wall_s),
    }


def _write_summary(rows: list[dict[str, Any]], facts: dict[str, Any], folder: Path) -> None:
    record = {"made_with": facts, "cases": rows}
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    parts = [
        "# Verification and validation",
        "One page a case: what is solved, how, a figure, a table, a verdict, the source. All of it "
        "is written by `python -m benchmarks.vv` "
        f"({facts['wall_s'] / 60:.0f} minutes on {facts['cores']} cores for this run). Limits that "
        "are not met stay here with the reason.",
    ]
    for kind, words in (
        ("verification", "Verification: exact and independent solutions"),
        ("validation", "Validation: measurements"),
    ):
        lines = [
            (f"[{row['title']}]({row['name']}.md)", *_tightest(row), str(row["verdict"]))
            for row in rows
            if row["kind"] == kind
        ]
        if lines:
            parts.append(
                f"## {words}\n\n"
                + _table(("case", "check with least in hand", "limits", "verdict"), lines)
            )
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _tightest(row: dict[str, Any]) -> tuple[str, str]:
    """Return the check of a case that is nearest to its limits, or farthest beyond, and these."""
    from evidence import Check

    check = max((Check(**content) for content in row["checks"]), key=_used)
    return f"{check.name}: {_number(check.value)} {check.unit}".strip(), _limits(check)


def _used(check: Check) -> float:
    """How much of its limits a check uses; more than 1 where they are not met."""
    if check.high is not None and not check.low:
        return abs(check.value / check.high)
    if check.high is None:
        return abs(check.low / check.value) if check.low and check.value else 0.0
    low = check.low or 0.0
    middle = (low + check.high) / 2
    return abs(check.value - middle) / ((check.high - low) / 2)


if __name__ == "__main__":
    sys.exit(main())
