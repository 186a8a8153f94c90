"""A jar of water gel at room temperature: the bench test of probe data sheets."""

from __future__ import annotations

from .hounsfield import HU_OF_TISSUE
from .painting import Structure, ct_grid, paint
from .phantom import Phantom
from .shapes import Cylinder

__all__ = ["DESCRIPTION", "build_gel"]

DESCRIPTION = "a jar of water gel at 20 C on the bench, one IceSphere"

# Wide enough that ice and cooled gel of a ten-minute freeze stay clear of the wall.
_DIAMETER_MM = 150.0
_HEIGHT_MM = 148.0  # both ends lie on faces of the 2 mm slices
_HALF_IMAGE_MM = 80.0


def build_gel() -> Phantom:
    """Build a gel cylinder in air; its center is the world origin and the middle of the ice."""
    gel = Cylinder((0.0, 0.0, 0.0), _DIAMETER_MM / 2, _HEIGHT_MM)
    grid = ct_grid((-_HALF_IMAGE_MM,) * 3, (_HALF_IMAGE_MM,) * 3)
    volume, labels = paint(grid, [Structure("gel", gel, HU_OF_TISSUE["gel"])], "gel")
    return Phantom(
        "gel",
        DESCRIPTION,
        volume,
        labels,
        {
            "anatomy": {"tissues": {"gel": "gel"}},
            "probe": [
                {
                    "model": "icesphere-1.5",
                    "tip_mm": [0.0, 0.0, -7.5],
                    "entry_mm": [0.0, 0.0, 100.0],
                }
            ],
            "protocol": {"text": "freeze 10 min; thaw 5 min"},
            "grid": {"spacing_mm": 1.0},
            "body": {"temperature_c": 20.0},
        },
    )
