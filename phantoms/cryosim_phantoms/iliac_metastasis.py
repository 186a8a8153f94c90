"""Left posterior pelvis with a lytic metastasis in the ilium; bowel and nerve in front of it.

Sizes of the anatomy are assumptions: customary adult values, no primary source was read.
"""

from __future__ import annotations

from .contours import Cells, Outline, Plate, oval
from .hounsfield import HU_OF_TISSUE
from .painting import Structure, ct_grid, paint
from .phantom import Phantom, organ_at_risk, parallel_probes
from .shapes import Ellipsoid, Grown, Inside, Outside, Slab, Tube

__all__ = ["BOWEL", "DESCRIPTION", "NERVE", "TUMOR", "build_iliac_metastasis"]

DESCRIPTION = "left ilium: 28 mm lytic metastasis, bowel at 2 cm, lumbosacral nerve, two probes"

# The long axes lie in the plate of the ilium; the lesion bulges it by 3 mm on either side.
TUMOR = Ellipsoid((0.0, 0.0, 0.0), (14.0, 12.0, 14.0), turn_deg=-46.0)

_MIDLINE_MM = -65.0
_SKIN_MM = 2.0
_FAT_MM = 15.0
_CORTEX_MM = 2.0

# Back and left side; the front and the right half lie outside the image.
_BODY = Outline(
    (
        (
            -75.0,
            (
                (-65.0, 62.0), (-48.0, 80.0), (-15.0, 92.0), (20.0, 92.0), (55.0, 80.0),
                (88.0, 52.0), (110.0, 10.0), (116.0, -40.0), (105.0, -110.0), (0.0, -160.0),
                (-130.0, -160.0), (-235.0, -110.0), (-246.0, -40.0), (-240.0, 10.0),
                (-218.0, 52.0), (-185.0, 80.0), (-115.0, 92.0), (-82.0, 80.0),
            ),
        ),
        (
            75.0,
            (
                (-65.0, 62.0), (-48.0, 68.0), (-15.0, 72.0), (20.0, 68.0), (55.0, 54.0),
                (84.0, 28.0), (100.0, -8.0), (104.0, -50.0), (95.0, -110.0), (0.0, -160.0),
                (-130.0, -160.0), (-225.0, -110.0), (-234.0, -50.0), (-230.0, -8.0),
                (-214.0, 28.0), (-185.0, 54.0), (-115.0, 72.0), (-82.0, 68.0),
            ),
        ),
    )
)  # fmt: skip

# Middle line from the posterior spine to the front, and half the thickness. The lowest plane lies
# in the greater sciatic notch, the highest near the crest.
_ILIUM = Plate(
    (
        (
            -62.0,
            ((22.0, -22.0), (28.0, -29.0), (37.0, -37.0), (48.0, -45.0), (60.0, -52.0),
             (76.0, -62.0), (95.0, -74.0)),
            (3.0, 5.0, 7.0, 8.0, 9.0, 11.0, 13.0),
        ),
        (
            -30.0,
            ((-15.0, 24.0), (-6.0, 9.0), (6.0, -5.0), (22.0, -18.0), (42.0, -34.0),
             (66.0, -51.0), (95.0, -72.0)),
            (5.0, 8.0, 8.5, 6.0, 5.0, 6.0, 8.0),
        ),
        (
            0.0,
            ((-26.0, 34.0), (-14.0, 17.0), (0.0, 0.0), (18.0, -16.0), (40.0, -32.0),
             (66.0, -50.0), (95.0, -70.0)),
            (6.0, 9.0, 9.0, 7.0, 5.0, 5.0, 6.0),
        ),
        (
            30.0,
            ((-22.0, 35.0), (-8.0, 19.0), (8.0, 3.0), (26.0, -13.0), (48.0, -29.0),
             (72.0, -47.0), (98.0, -66.0)),
            (6.0, 8.0, 7.0, 5.0, 4.0, 5.0, 6.0),
        ),
        (
            75.0,
            ((8.0, 30.0), (20.0, 16.0), (35.0, 1.0), (52.0, -14.0), (70.0, -30.0),
             (88.0, -48.0), (104.0, -66.0)),
            (3.0, 4.5, 4.0, 3.5, 4.0, 5.0, 6.0),
        ),
    )
)  # fmt: skip

_SACRUM = Outline(
    (
        (-70.0, oval((_MIDLINE_MM, 42.0), (20.0, 14.0, 9.0, 14.0, 20.0, 14.0, 8.0, 14.0))),
        (
            -30.0,
            (
                (-38.0, 36.0), (-30.0, 22.0), (-32.0, 12.0), (-48.0, 10.0), (-65.0, 12.0),
                (-82.0, 10.0), (-98.0, 12.0), (-100.0, 22.0), (-92.0, 36.0), (-80.0, 42.0),
                (-65.0, 50.0), (-50.0, 42.0),
            ),
        ),
        (
            0.0,
            (
                (-35.0, 30.0), (-24.5, 14.0), (-17.0, 0.0), (-21.0, -12.0), (-42.0, -14.0),
                (-65.0, -19.0), (-88.0, -14.0), (-109.0, -12.0), (-113.0, 0.0), (-105.5, 14.0),
                (-95.0, 30.0), (-82.0, 36.0), (-65.0, 45.0), (-48.0, 36.0),
            ),
        ),
        (
            34.0,
            (
                (-36.0, 22.0), (-24.0, 11.0), (-16.0, 0.0), (-22.0, -12.0), (-42.0, -24.0),
                (-65.0, -30.0), (-88.0, -24.0), (-108.0, -12.0), (-114.0, 0.0), (-106.0, 11.0),
                (-94.0, 22.0), (-80.0, 28.0), (-65.0, 40.0), (-50.0, 28.0),
            ),
        ),
    )
)  # fmt: skip

# The lowest lumbar vertebra, with the disc below it.
_VERTEBRA = Outline(
    ((50.0, oval((_MIDLINE_MM, -16.0), (26.0, 22.0, 17.0, 22.0, 26.0, 24.0, 20.0, 24.0))),)
)

BOWEL = Tube(
    (
        (52.0, -68.0, 78.0), (26.0, -57.0, 38.0), (5.0, -47.7, 8.0), (4.0, -49.2, -14.0),
        (12.0, -64.0, -36.0), (18.0, -90.0, -48.0), (18.0, -115.0, -52.0),
    ),
    (13.0, 14.0, 14.0, 13.0, 14.0, 13.0, 13.0),
)  # fmt: skip
_BOWEL_WALL_MM = 2.5
_GAS_LEVEL_MM = -50.0  # supine: gas collects at the front

# From the front of the sacral wing through the greater sciatic foramen into the buttock.
NERVE = Tube(
    (
        (-34.0, -28.0, 78.0), (-26.0, -27.0, 40.0), (-23.0, -25.0, 5.0), (-16.0, -14.0, -30.0),
        (-4.0, 2.0, -56.0), (8.0, 20.0, -78.0),
    ),
    (2.5, 3.0, 3.5, 4.0, 5.0, 5.0),
)  # fmt: skip
_ARTERY = Tube(((-44.0, -44.0, 78.0), (-52.0, -46.0, 20.0), (-46.0, -58.0, -78.0)), (5.0,))
_VEIN = Tube(((-50.0, -38.0, 78.0), (-56.0, -36.0, 20.0), (-50.0, -47.0, -78.0)), (6.0,))

_PSOAS = Outline(
    (
        (-75.0, oval((-18.0, -66.0), (15.0, 14.0, 14.0, 14.0, 15.0, 14.0, 14.0, 14.0))),
        (0.0, oval((-32.0, -50.0), (13.0, 14.0, 16.0, 15.0, 13.0, 15.0, 17.0, 15.0))),
        (75.0, oval((-30.0, -34.0), (18.0, 18.0, 20.0, 18.0, 18.0, 19.0, 21.0, 19.0))),
    )
)
# From the middle line of the ilium to beyond the skin.
_BEHIND_ILIUM = Outline(
    tuple(
        (
            height,
            (
                *line, (120.0, -84.0), (140.0, 0.0), (95.0, 70.0), (40.0, 100.0), (-10.0, 96.0),
                (-40.0, 74.0),
            ),
        )
        for height, line, _ in _ILIUM.levels
    )
)  # fmt: skip
# In the hollow of the ilium, on its front side.
_ILIACUS = Plate(
    tuple(
        (height, tuple((x - 8.0, y - 9.0) for x, y in line[2:]), (2.5, 6.0, 8.0, 8.5, 8.0))
        for height, line, _ in _ILIUM.levels
    )
)
_GLUTEAL_CENTERS = ((10.0, 62.0), (48.0, 18.0), (56.0, -14.0))  # maximus, medius, minimus


def build_iliac_metastasis() -> Phantom:
    """Build the pelvis; the tumor's center is the world origin."""
    grid = ct_grid((-88.0, -86.0, -76.0), (88.0, 98.0, 76.0))
    structures = [*_soft_tissue(), *_pelvic_organs(), *_bones()]
    structures.append(Structure("tumor", TUMOR, 48.0))
    volume, labels = paint(grid, structures, "iliac-metastasis")
    return Phantom(
        "iliac-metastasis",
        DESCRIPTION,
        volume,
        labels,
        {
            "anatomy": {"tissues": {"bowel_content": "body-fluid", "bowel_gas": "gas"}},
            "target": {"label": "tumor", "margin_mm": 10.0},
            "organ_at_risk": [
                organ_at_risk("bowel", "bowel", 5.0),
                organ_at_risk("nerve", "lumbosacral_nerve", 10.0),
                organ_at_risk("skin", "skin", 5.0),
            ],
            # Through the buttock across the plate, one above the other; off the middle and short of
            # the far side, so that bowel and nerve stay warm.
            "probe": parallel_probes(
                "argon-17g",
                (0.45, 0.9, 0.1),
                ((-4.2, -7.0), (-4.2, 7.0)),
                depth_mm=2.3,
                entry_distance_mm=120.0,
            ),
            "protocol": {"preset": "keio-bone"},
            "grid": {"spacing_mm": 1.0},
        },
    )


def _soft_tissue() -> list[Structure]:
    hu = HU_OF_TISSUE
    fascia = Grown(_BODY, -_SKIN_MM - _FAT_MM)
    gluteal = Cells(_GLUTEAL_CENTERS, (0, 1, 2), gap_mm=2.5)
    iliacus = Inside((_ILIACUS, Outside(_BEHIND_ILIUM)))
    return [
        Structure("skin", _BODY, hu["skin"]),
        Structure("fat", Grown(_BODY, -_SKIN_MM), hu["fat"]),
        Structure("muscle", Inside((fascia, _BEHIND_ILIUM, gluteal)), hu["muscle"]),
        *[Structure("muscle", Inside((fascia, _back(side))), hu["muscle"]) for side in (-1, 1)],
        Structure("muscle", iliacus, hu["muscle"]),
        Structure("muscle", _PSOAS, hu["muscle"]),
    ]


def _back(side: int) -> Outline:
    """Return the erector of the spine to the right (-1) or left (1), which ends on the sacrum."""
    round_section = (1.0, 1.0, 0.75, 0.8, 1.0, 0.8, 0.75, 1.0)
    return Outline(
        tuple(
            (height, oval((_MIDLINE_MM + side * beside, back), round_section, radius))
            for height, beside, back, radius in (
                (-40.0, 14.0, 44.0, 4.0), (0.0, 19.0, 46.0, 14.0), (75.0, 25.0, 38.0, 24.0)
            )
        )
    )  # fmt: skip


def _pelvic_organs() -> list[Structure]:
    hu = HU_OF_TISSUE
    lumen = Grown(BOWEL, -_BOWEL_WALL_MM)
    return [
        Structure("fat", Grown(BOWEL, 2.5), hu["fat"]),
        Structure("bowel", BOWEL, hu["bowel-wall"]),
        Structure("bowel_content", lumen, 25.0),  # assumption: liquid stool
        Structure("bowel_gas", Inside((lumen, Slab(1, -1e3, _GAS_LEVEL_MM))), hu["gas"]),
        Structure("fat", Grown(NERVE, 2.5), hu["fat"]),
        Structure("lumbosacral_nerve", NERVE, hu["nerve"]),
        Structure("iliac_artery", _ARTERY, hu["blood"]),
        Structure("iliac_vein", _VEIN, hu["blood"]),
    ]


def _bones() -> list[Structure]:
    hu = HU_OF_TISSUE
    spongy = ((_CORTEX_MM, hu["bone-cancellous"]),)
    thin_shell = ((1.5, 190.0),)  # assumption: the sacrum is the least dense of these bones
    canal = Tube(((_MIDLINE_MM, 34.0, -60.0), (_MIDLINE_MM, 20.0, 0.0), (_MIDLINE_MM, 10.0, 80.0)),
                 (4.0, 7.0, 9.0))  # fmt: skip
    return [
        Structure("hip_left", _ILIUM, hu["bone-cortical"], spongy),
        Structure(
            "sacrum", Inside((_SACRUM, Slab(2, -1e3, 40.0))), hu["bone-cortical"], thin_shell
        ),
        Structure("intervertebral_disc", Inside((_VERTEBRA, Slab(2, 40.0, 50.0))), hu["cartilage"]),
        Structure(
            "vertebrae_L5", Inside((_VERTEBRA, Slab(2, 50.0))), hu["bone-cortical"], thin_shell
        ),
        Structure("fat", canal, hu["fat"]),
        Structure("cauda_equina", Grown(canal, -2.0), hu["spinal-cord"]),
    ]
