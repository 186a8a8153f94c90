"""Two or three probes? Simulate both in the thigh phantom and compare.

Usage: python compare_probe_counts.py [SPACING_MM]
"""

import sys

import cryosim
from cryosim.plan import plan_from_dict
from cryosim_phantoms import build_phantom


def main(spacing_mm: float = 2.0) -> None:
    phantom = build_phantom("thigh-sarcoma")
    probes = phantom.plan["probe"]
    print("probes  lethal coverage  smallest ice margin  ice volume")
    for count in (2, 3):
        # Two probes: the outer ones of the three.
        chosen = probes if count == 3 else [probes[0], probes[-1]]
        content = {
            **phantom.plan,
            "anatomy": {**phantom.plan.get("anatomy", {}), "phantom": phantom.name},
            "probe": chosen,
            "protocol": {"text": "freeze 10 min; thaw 5 min"},
            "grid": {"spacing_mm": spacing_mm},
        }
        plan = plan_from_dict(content, folder=".")
        tissue = cryosim.place_anatomy(cryosim.read_anatomy(plan), plan)
        report = cryosim.evaluate(cryosim.simulate(tissue, plan))
        target = report.target
        print(
            f"{count:6}  {100 * target.coverage[-40.0]:13.1f} %"
            f"  {target.margin.ice.min_mm:16.1f} mm"
            f"  {max(row.volume_ml[0.0] for row in report.timeline):7.1f} ml"
        )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
