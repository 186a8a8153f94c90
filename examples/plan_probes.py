"""How many probes does this patient need, and where? The whole study in one script.

Usage: python plan_probes.py [PLAN.toml] [DIR]
Without a plan: the thigh phantom, coarse enough for a minute.
"""

import sys
from pathlib import Path

import cryosim
from cryosim.anatomy import phantom_plan
from cryosim.plan import GridPlan, Search
from cryosim.planning import what_is_wrong


def main(plan_file: str | None = None, folder: str = "plans") -> None:
    if plan_file is None:
        search = Search(max_probes=2, samples=2, spacing_of_search_mm=4.0)
        chosen = {"grid": GridPlan(spacing_mm=4.0), "optimize": search}
        plan = phantom_plan("thigh-sarcoma").model_copy(update=chosen)
    else:
        plan = cryosim.read_plan(plan_file)
    found = cryosim.optimize(cryosim.read_anatomy(plan), plan, folder=Path(folder))

    print("probes  freezes  coverage  ice margin  healthy tissue frozen")
    for one in found.ranked:
        outcome = one.outcome
        print(
            f"{one.candidate.count:6}  {100 * one.candidate.freeze_share:5.0f} %"
            f"  {100 * outcome['coverage']:6.1f} %  {outcome['ice_margin_min_mm']:7.1f} mm"
            f"  {outcome['healthy_frozen_ml']:18.0f} ml  {'' if one.met else what_is_wrong(one)}"
        )
    for number, probe in enumerate(found.plan.probe):
        print(f"probe.{number}: {probe.model}, tip {probe.tip_mm}, entry {probe.entry_mm}")
    for goal, probability in found.robustness.probability.items():
        print(f"{goal}: met in {100 * probability:.0f} % of misplacements")

    cryosim.write_report(found.report, found.result, Path(folder) / "report.json")
    cryosim.save_result(found.result, Path(folder) / "result.vtkhdf")


# Processes that simulate import this script, too.
if __name__ == "__main__":
    main(*sys.argv[1:])
