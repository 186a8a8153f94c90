"""Simulate a plan file, print what was reached, and save result and report.

Usage: python run_plan.py PLAN.toml [FOLDER]
"""

import sys
from pathlib import Path

import cryosim


def main(plan_file: str, folder: str = ".") -> None:
    plan = cryosim.read_plan(plan_file)
    tissue = cryosim.place_anatomy(cryosim.read_anatomy(plan), plan)
    result = cryosim.simulate(tissue, plan)
    report = cryosim.evaluate(result)

    for goal in report.goals:
        print(
            f"{goal.verdict:4}  {goal.name}: {goal.value} ({goal.sense} {goal.limit} {goal.unit})"
        )
    if report.target is not None:
        print(f"target {report.target.volume_ml:.1f} ml, coverage by isotherm:")
        for isotherm_c, share in report.target.coverage.items():
            print(f"  {isotherm_c:g} C: {100 * share:.1f} %")

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    cryosim.save_result(result, out / "result.vtkhdf")
    cryosim.write_report(report, result, out / "report.json")
    cryosim.write_html_report(report, result, out / "report.html")


if __name__ == "__main__":
    main(*sys.argv[1:])
