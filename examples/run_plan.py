"""Simulate a plan file, print what was reached, and write what `cryosim run` writes.

Usage: python run_plan.py PLAN.toml [FOLDER]
"""

import sys

import cryosim


def main(plan_file: str, folder: str = ".") -> None:
    plan = cryosim.read_plan(plan_file)
    tissue = cryosim.place_anatomy(cryosim.read_anatomy(plan), plan)
    result = cryosim.vary_tissues(cryosim.simulate(tissue, plan))
    report = cryosim.evaluate(result)

    for goal in report.goals:
        print(
            f"{goal.verdict:4}  {goal.name}: {goal.value} ({goal.sense} {goal.limit} {goal.unit})"
        )
    if report.target is not None:
        print(f"target {report.target.volume_ml:.1f} ml, coverage by isotherm:")
        for isotherm_c, share in report.target.coverage.items():
            print(f"  {isotherm_c:g} C: {100 * share:.1f} %")

    print(cryosim.write_result(report, result, folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
