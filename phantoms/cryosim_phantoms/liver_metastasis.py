"""Right liver lobe with a metastasis beside the portal vein.

Sizes of the anatomy are assumptions: customary adult values, no primary source was read.
"""

from __future__ import annotations

import math

from .contours import Outline, oval
from .hounsfield import HU_OF_TISSUE
from .painting import Structure, ct_grid, paint
from .phantom import Phantom, organ_at_risk, parallel_probes
from .shapes import Ball, Ellipsoid, Grown, Inside, Slab, Tube

__all__ = ["DESCRIPTION", "GALLBLADDER", "PORTAL_VEIN", "TUMOR", "build_liver_metastasis"]

DESCRIPTION = "liver: 30 mm metastasis, portal vein as heat sink at 9 mm, gallbladder, three probes"

TUMOR = Ball((0.0, 0.0, 0.0), 15.0)

# assumption: portal venous phase, in which metastases are darker than the liver around them
_LIVER_HU = 108.0
_TUMOR_HU = 68.0
_VEIN_HU = 165.0
_KIDNEY_HU = 150.0
_BOWEL_HU = 80.0  # of the wall

_MIDLINE_MM = 75.0
_HALF_WIDTH_MM, _HALF_DEPTH_MM = 158.0, 112.0
_MIDDLE_Y_MM = 8.0
_SKIN_MM = 2.0
_FAT_MM = 12.0
_WALL_MM = 13.0  # intercostal and oblique muscles with the ribs in them

PORTAL_VEIN = Tube(
    (
        (84.0, -24.0, -52.0), (62.0, -13.0, -30.0), (42.0, -6.0, -12.0), (29.5, 4.0, 3.0),
        (25.0, 18.0, 16.0), (12.0, 36.0, 28.0),
    ),
    (6.0, 6.0, 6.0, 6.0, 4.5, 3.0),
)  # fmt: skip
# 2.5 mm wide: too narrow to stay warm beside an iceball.
_HEPATIC_BRANCH = Tube(
    ((46.0, -18.0, 48.0), (20.0, -20.0, 24.0), (-5.0, -22.0, 10.0), (-32.0, -30.0, -6.0)), (1.25,)
)
_HEPATIC_VEIN = Tube(
    ((62.0, 18.0, 74.0), (40.0, 24.0, 56.0), (8.0, 36.0, 42.0), (-24.0, 42.0, 14.0)),
    (5.0, 5.0, 4.0, 2.5),
)
_VENA_CAVA = Tube(((60.0, 26.0, -80.0), (61.0, 24.0, 0.0), (63.0, 18.0, 80.0)), (11.0,))
_AORTA = Tube(((86.0, 32.0, -80.0), (87.0, 30.0, 80.0)), (10.0,))
GALLBLADDER = Ellipsoid((24.0, -44.0, -34.0), (12.0, 14.0, 25.0), turn_deg=25.0)
_KIDNEY = Ellipsoid((26.0, 62.0, -62.0), (25.0, 22.0, 46.0), turn_deg=30.0)

_DUODENUM = Tube(
    (
        (94.0, -50.0, -10.0), (68.0, -46.0, -16.0), (49.0, -28.0, -36.0), (44.0, 0.0, -58.0),
        (46.0, 8.0, -80.0),
    ),
    (13.0, 12.0, 11.0, 11.0, 11.0),
)  # fmt: skip
_COLON = Tube(
    ((94.0, -62.0, -46.0), (62.0, -60.0, -58.0), (38.0, -46.0, -76.0), (20.0, -16.0, -98.0)),
    (15.0, 16.0, 17.0, 17.0),
)

_LIVER = Outline(
    (
        (
            -72.0,
            (
                (-95.0, 0.0), (-80.0, -60.0), (-40.0, -72.0), (-10.0, -52.0), (2.0, -15.0),
                (-4.0, 28.0), (-18.0, 58.0), (-45.0, 88.0), (-85.0, 60.0),
            ),
        ),
        (
            -25.0,
            (
                (-98.0, 0.0), (-80.0, -70.0), (-20.0, -100.0), (34.0, -84.0), (42.0, -50.0),
                (30.0, -24.0), (36.0, 4.0), (30.0, 26.0), (12.0, 46.0), (-8.0, 68.0),
                (-45.0, 95.0), (-88.0, 60.0),
            ),
        ),
        (
            10.0,
            (
                (-98.0, 0.0), (-80.0, -70.0), (-20.0, -105.0), (52.0, -92.0), (70.0, -60.0),
                (52.0, -24.0), (54.0, 2.0), (48.0, 28.0), (32.0, 50.0), (12.0, 72.0),
                (-45.0, 98.0), (-88.0, 60.0),
            ),
        ),
        (
            72.0,
            (
                (-98.0, 0.0), (-80.0, -70.0), (-20.0, -105.0), (60.0, -100.0), (112.0, -84.0),
                (100.0, -40.0), (74.0, -6.0), (60.0, 14.0), (50.0, 40.0), (26.0, 72.0),
                (-45.0, 98.0), (-88.0, 60.0),
            ),
        ),
    )
)  # fmt: skip


def build_liver_metastasis() -> Phantom:
    """Build the right upper abdomen; the tumor's center is the world origin."""
    grid = ct_grid((-92.0, -88.0, -72.0), (88.0, 88.0, 72.0))
    structures = [*_abdominal_wall(), *_organs(), *_vessels()]
    structures.append(Structure("tumor", TUMOR, _TUMOR_HU))
    volume, labels = paint(grid, structures, "liver-metastasis")
    return Phantom(
        "liver-metastasis",
        DESCRIPTION,
        volume,
        labels,
        {
            "target": {"label": "tumor", "margin_mm": 10.0},
            "organ_at_risk": [
                organ_at_risk("gallbladder", "gallbladder", 5.0),
                organ_at_risk("skin", "skin", 5.0),
            ],
            # From the right side through one gap between the ribs; 13 to 16 mm apart.
            "probe": parallel_probes(
                "argon-17g",
                (-1.0, 0.1, 0.0),
                ((-8.0, -4.0), (8.0, -4.0), (0.0, 7.0)),
                depth_mm=14.0,
                entry_distance_mm=125.0,
            ),
            "protocol": {"preset": "renal-10-8-10"},
            "grid": {"spacing_mm": 1.0},
        },
    )


def _body_outline() -> Outline:
    points = []
    for step in range(24):
        angle = 2 * math.pi * step / 24
        points.append(_on_ellipse(angle, 0.0))
    return Outline(((0.0, tuple(points)),))


def _on_ellipse(angle: float, depth_mm: float) -> tuple[float, float]:
    """Return a point of the body's outline, or of the same ellipse `depth_mm` further in."""
    return (
        round(_MIDLINE_MM + (_HALF_WIDTH_MM - depth_mm) * math.cos(angle), 3),
        round(_MIDDLE_Y_MM + (_HALF_DEPTH_MM - depth_mm) * math.sin(angle), 3),
    )


def _abdominal_wall() -> list[Structure]:
    hu = HU_OF_TISSUE
    body = _body_outline()
    muscle = Grown(body, -_SKIN_MM - _FAT_MM)
    back = Outline(((0.0, oval((_MIDLINE_MM - 24.0, 88.0), (22.0, 18.0, 16.0, 18.0) * 2)),))
    body_of_vertebra = oval((_MIDLINE_MM, 58.0), (22.0, 20.0, 14.0, 20.0, 22.0, 20.0, 16.0, 20.0))
    vertebra = Outline(((0.0, body_of_vertebra),))
    arch = Outline(((0.0, oval((_MIDLINE_MM, 82.0), (20.0, 15.0, 18.0, 15.0) * 2)),))
    canal = Outline(((0.0, oval((_MIDLINE_MM, 80.0), (9.0,) * 6)),))
    return [
        Structure("skin", body, hu["skin"]),
        Structure("fat", Grown(body, -_SKIN_MM), hu["fat"]),
        Structure("muscle", muscle, hu["muscle"]),
        Structure("fat", Grown(muscle, -_WALL_MM), hu["fat"]),
        Structure("muscle", back, hu["muscle"]),
        Structure("vertebrae_L1", arch, hu["bone-cortical"], ((2.0, 300.0),)),
        Structure("spinal_cord", canal, hu["spinal-cord"]),
        Structure("vertebrae_L1", vertebra, hu["bone-cortical"], ((1.5, 200.0),)),
        *[
            Structure("ribs", _rib(height), hu["bone-cortical"], ((1.5, hu["bone-cancellous"]),))
            for height in (-72.0, -44.0, -16.0, 16.0, 44.0, 72.0, 100.0)
        ],
    ]


def _rib(height_mm: float) -> Tube:
    """Return a rib that comes from behind, descends 70 mm and lies at `height_mm` at the side."""
    points = []
    for step in range(9):
        share = step / 8
        angle = math.radians(75.0 + 180.0 * share)
        x, y = _on_ellipse(angle, _SKIN_MM + _FAT_MM + _WALL_MM / 2)
        points.append((x, y, height_mm + 70.0 * (105.0 / 180.0 - share)))
    return Tube(tuple(points), (5.0,))


def _organs() -> list[Structure]:
    hu = HU_OF_TISSUE
    cavity = Grown(_body_outline(), -_SKIN_MM - _FAT_MM - _WALL_MM - 2.0)
    return [
        Structure("liver", Inside((cavity, _LIVER)), _LIVER_HU),
        Structure("fat", Grown(_KIDNEY, 6.0), hu["fat"]),
        # With the fatty sinus in the middle.
        Structure("kidney_right", _KIDNEY, _KIDNEY_HU, ((14.0, 20.0),)),
        *_bowel(),
        Structure("fat", Grown(GALLBLADDER, 1.0), hu["fat"]),
        # Labeled whole: a wall of 2 mm with bile in it.
        Structure("gallbladder", GALLBLADDER, 45.0, ((2.0, hu["bile"]),)),
    ]


def _bowel() -> list[Structure]:
    """Return duodenum and colon below the liver, gas at the front; labeled whole."""
    gas = HU_OF_TISSUE["gas"]
    colon_gas = Inside((Grown(_COLON, -2.5), Slab(1, -1e3, -56.0)))
    return [
        Structure("duodenum", _DUODENUM, _BOWEL_HU, ((2.5, 18.0),)),
        Structure("colon", _COLON, _BOWEL_HU, ((2.5, 30.0),)),
        Structure("colon", colon_gas, gas),
    ]


def _vessels() -> list[Structure]:
    return [
        Structure("inferior_vena_cava", _VENA_CAVA, _VEIN_HU - 25.0),
        Structure("aorta", _AORTA, _VEIN_HU),
        Structure("hepatic_vein", _HEPATIC_VEIN, _VEIN_HU),
        Structure("hepatic_vein", _HEPATIC_BRANCH, _VEIN_HU),
        Structure("portal_vein", PORTAL_VEIN, _VEIN_HU),
    ]
