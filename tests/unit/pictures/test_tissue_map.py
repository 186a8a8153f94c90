"""The picture of what was taken for what: right way up, and every kind in its legend."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cryosim.geometry import Grid
from cryosim.pictures import draw_tissues
from cryosim.tissue import TissueGrid, read_library

LIBRARY = read_library()
GRID = Grid.from_spacing((10, 12, 14), 2.0, (-13.0, -11.0, -9.0))


def case() -> TissueGrid:
    """Fat with muscle to the left, bone in front and a tumor on top; air behind, a thing in it."""
    index = np.zeros(GRID.shape, dtype=np.uint8)
    index[:, :, 10:] = 1
    index[:, :3] = 2
    index[8:] = 3
    air, things = np.zeros((2, *GRID.shape), dtype=bool)
    air[:, 10:] = True
    things[:, 11:, :4] = True
    names = ("fat", "muscle", "bone-cortical", "tumor")
    return TissueGrid(
        GRID, index, tuple(LIBRARY[name] for name in names), outside_air=air, things=things
    )


def pixels(figure: Figure, panel: int, right: float, up: float) -> np.ndarray:
    """Color at a share of a panel's width and height, from its lower left."""
    (image,) = figure.axes[panel].get_images()
    left, end, low, high = image.get_extent()
    x, y = figure.axes[panel].transAxes.transform((right, up))
    at = figure.axes[panel].transData.inverted().transform((x, y))
    values = np.asarray(image.get_array())
    column = int((at[0] - left) / (end - left) * values.shape[1])
    row = int((at[1] - low) / (high - low) * values.shape[0])
    return values[row, column]


def test_planes_lie_as_radiologists_have_them() -> None:
    figure = draw_tissues(case(), at_mm=(0.0, -2.0, 0.0))
    fat = pixels(figure, 0, 0.3, 0.5)
    # Axial: the patient's left is at the picture's right, the front on top.
    muscle, bone = pixels(figure, 0, 0.95, 0.5), pixels(figure, 0, 0.5, 0.95)
    assert not np.allclose(muscle, fat)
    assert not np.allclose(bone, fat)
    assert np.allclose(pixels(figure, 0, 0.05, 0.5), fat)
    # Coronal and sagittal: the head on top; sagittal from the left, the front at the left.
    tumor = pixels(figure, 1, 0.3, 0.95)
    assert not np.allclose(tumor, fat)
    assert np.allclose(pixels(figure, 1, 0.3, 0.05), fat)
    assert np.allclose(pixels(figure, 2, 0.05, 0.5), bone)
    assert np.allclose(pixels(figure, 2, 0.5, 0.95), tumor)


def test_the_legend_names_what_is_there() -> None:
    (legend,) = draw_tissues(case()).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "fat", "muscle", "bone-cortical", "tumor", "room air", "table and other things, as room air"
    ]  # fmt: skip
