"""Ice beside the bowel: as it is, with carbon dioxide in between, or with warm saline.

Usage: python protect_the_bowel.py [SPACING_MM]
The pelvis phantom, its bowel 2 cm from the tumor and both probes too near to it.
"""

import sys

import cryosim
from cryosim.plan import plan_from_dict
from cryosim_phantoms import build_phantom

LAYER = {"beside": "bowel", "thickness_mm": 8.0}
PROTECTIONS = {
    "nothing": [],
    "carbon dioxide": [{"name": "CO2", "tissue": "gas", **LAYER}],
    "saline, once": [{"name": "saline", "tissue": "saline", "temperature_c": 38, **LAYER}],
    "saline, flowing": [
        {"name": "saline", "tissue": "saline", "temperature_c": 38, "held": True, **LAYER}
    ],
}


def main(spacing_mm: float = 3.0) -> None:
    phantom = build_phantom("iliac-metastasis")
    print("in between        bowel coldest  sensor coldest  frozen")
    for name, protection in PROTECTIONS.items():
        content = {
            **phantom.plan,
            "anatomy": {**phantom.plan["anatomy"], "phantom": phantom.name},
            "probe": [moved_forward(probe, 16.0) for probe in phantom.plan["probe"]],
            "protocol": {"text": "freeze 10 min"},
            "grid": {"spacing_mm": spacing_mm, "padding_mm": 30},
            "protection": protection,
            "sensor": [{"name": "wall", "at_mm": [5, -36, 0]}],
        }
        plan = plan_from_dict(content, folder=".")
        tissue = cryosim.place_anatomy(cryosim.read_anatomy(plan), plan)
        report = cryosim.evaluate(cryosim.simulate(tissue, plan))
        bowel, (sensor,) = report.organs_at_risk[0], report.sensors
        print(
            f"{name:16} {bowel.coldest_c:13.1f} C {sensor.coldest_c:13.1f} C"
            f" {sensor.seconds_frozen / 60:7.1f} min"
        )


def moved_forward(probe: dict, by_mm: float) -> dict:
    """The same probe nearer to the bowel, which lies in front (towards smaller y)."""
    ends = {key: [x, y - by_mm, z] for key in ("tip_mm", "entry_mm") for x, y, z in [probe[key]]}
    return {**probe, **ends}


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
