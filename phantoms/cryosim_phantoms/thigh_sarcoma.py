"""Left thigh with a soft-tissue sarcoma behind the femur.

Sizes of the anatomy are assumptions: customary adult values, no primary source was read.
"""

from __future__ import annotations

from .contours import Cells, Outline, oval
from .hounsfield import HU_OF_TISSUE
from .painting import Structure, ct_grid, paint
from .phantom import Phantom, organ_at_risk, parallel_probes
from .shapes import Ellipsoid, Grown, Inside, Shape, Tube

__all__ = ["DESCRIPTION", "NERVE", "TUMOR", "build_thigh_sarcoma"]

DESCRIPTION = "left thigh: 4 cm sarcoma beside the femur, sciatic nerve at 2 cm, three probes"

TUMOR = Ellipsoid((0.0, 0.0, 0.0), (15.0, 17.0, 20.0))

_MIDDLE = (-28.0, -16.0)
_SKIN_MM = 2.0
# From lateral by way of posterior, medial and anterior, every 30 degrees.
_SKIN_RADII_MM = (80.0, 80.0, 82.0, 84.0, 87.0, 89.0, 88.0, 86.0, 83.0, 80.0, 78.0, 78.0)
_FASCIA_RADII_MM = (71.0, 70.0, 69.0, 69.0, 69.0, 70.0, 69.0, 69.0, 69.0, 68.0, 68.0, 69.0)

# assumption: centers of the muscles at mid-thigh, read off no particular atlas
_MUSCLES = {
    "thigh_anterior_compartment": (
        (-24.0, -74.0),  # rectus femoris
        (14.0, -52.0),  # vastus lateralis
        (26.0, -10.0),  # vastus lateralis, posterior part
        (-20.0, -42.0),  # vastus intermedius, about the femur
        (-58.0, -58.0),  # vastus medialis
    ),
    "thigh_medial_compartment": (
        (-86.0, -42.0),  # sartorius
        (-94.0, -4.0),  # gracilis
        (-62.0, -8.0),  # adductors
        (-34.0, -4.0),  # adductor magnus
    ),
    "thigh_posterior_compartment": (
        (8.0, 32.0),  # biceps femoris
        (-34.0, 38.0),  # semitendinosus
        (-70.0, 26.0),  # semimembranosus
    ),
}

_FEMUR = Tube(((-21.0, -24.0, -90.0), (-19.0, -25.0, 0.0), (-17.0, -26.0, 90.0)), (14.0,))
NERVE = Tube(((-37.0, 17.0, -90.0), (-35.0, 17.0, 0.0), (-34.0, 18.0, 90.0)), (3.5,))
_ARTERY = Tube(((-56.0, -24.0, -90.0), (-62.0, -33.0, 0.0), (-64.0, -42.0, 90.0)), (4.0,))
_VEIN = Tube(((-61.0, -15.0, -90.0), (-67.0, -25.0, 0.0), (-70.0, -34.0, 90.0)), (4.5,))


def build_thigh_sarcoma() -> Phantom:
    """Build the thigh; the tumor's center is the world origin."""
    grid = ct_grid((-124.0, -102.0, -80.0), (66.0, 78.0, 80.0))
    volume, labels = paint(grid, _structures(), "thigh-sarcoma")
    return Phantom(
        "thigh-sarcoma",
        DESCRIPTION,
        volume,
        labels,
        {
            "target": {"label": "tumor", "margin_mm": 10.0},
            "organ_at_risk": [
                organ_at_risk("nerve", "sciatic_nerve", 10.0),
                organ_at_risk("skin", "skin", 5.0),
            ],
            # From lateral and a little from behind; 17 to 18 mm between neighbors.
            "probe": parallel_probes(
                "argon-17g",
                (1.0, 0.15, 0.0),
                ((-5.5, -9.0), (-5.5, 9.0), (9.0, 0.0)),
                depth_mm=15.0,
                entry_distance_mm=90.0,
            ),
            "protocol": {"preset": "keio-soft-tissue"},
            "grid": {"spacing_mm": 1.0},
        },
    )


def _structures() -> list[Structure]:
    """Return the thigh from skin to tumor, in painting order."""
    hu = HU_OF_TISSUE
    body = _tapering(_SKIN_RADII_MM)
    bone_core = ((6.0, hu["bone-marrow"]),)
    return [
        Structure("skin", body, hu["skin"]),
        Structure("fat", Grown(body, -_SKIN_MM), hu["fat"]),
        *_muscles(_tapering(_FASCIA_RADII_MM)),
        # Nerve and vessels run in a sheath of fat.
        Structure("fat", Grown(NERVE, 3.0), hu["fat"]),
        Structure("fat", Grown(_ARTERY, 2.5), hu["fat"]),
        Structure("fat", Grown(_VEIN, 2.5), hu["fat"]),
        Structure("femur", _FEMUR, hu["bone-cortical"], bone_core),
        Structure("sciatic_nerve", NERVE, hu["nerve"]),
        Structure("femoral_artery", _ARTERY, hu["blood"]),
        Structure("femoral_vein", _VEIN, hu["blood"]),
        # assumption: darker than muscle, as most sarcomas are
        Structure("tumor", TUMOR, 32.0),
    ]


def _tapering(radii_mm: tuple[float, ...]) -> Outline:
    """Return the outline of the thigh, which becomes thinner towards the knee."""
    return Outline(((-80.0, oval(_MIDDLE, radii_mm, 0.95)), (80.0, oval(_MIDDLE, radii_mm, 1.05))))


def _muscles(fascia: Shape) -> list[Structure]:
    centers = tuple(center for group in _MUSCLES.values() for center in group)
    found = []
    for name, group in _MUSCLES.items():
        chosen = tuple(centers.index(center) for center in group)
        shape = Inside((fascia, Cells(centers, chosen, gap_mm=1.6, drift_mm=(6.0, -4.0))))
        found.append(Structure(name, shape, HU_OF_TISSUE["muscle"]))
    return found
