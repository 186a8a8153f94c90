"""Surfaces and fields for other programs, as independent readers see them."""

from __future__ import annotations

import dataclasses

import nibabel
import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkCleanPolyData, vtkFeatureEdges, vtkMassProperties
from vtkmodules.vtkIOGeometry import vtkSTLReader
from vtkmodules.vtkIOPLY import vtkPLYReader
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

import cases
from cryosim.errors import InputError
from cryosim.evaluation import isotherm_volume_ml
from cryosim.exports import export_result, write_mesh
from cryosim.geometry import Grid
from cryosim.scene import structure_mesh
from cryosim.simulation import Settings, simulate
from cryosim.surfaces import share_at_or_below
from round_ice import grid_about, points_of, round_result, turned

CENTER_MM, RADIUS_MM = np.array([-31.0, 112.0, -205.0]), 17.0
READERS = {"stl": vtkSTLReader, "ply": vtkPLYReader, "vtp": vtkXMLPolyDataReader}
# Axes as writers of images have them: LPS, RAS, seen from above, and oblique.
DIRECTIONS = {
    "lps": np.eye(3),
    "ras": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
    "oblique": turned(0.4, -0.25),
}


def read(path):
    reader = READERS[path.suffix[1:]]()
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()


def merged(surface):
    clean = vtkCleanPolyData()
    clean.SetInputData(surface)
    clean.Update()
    return clean.GetOutput()


def volume_ml(surface):
    properties = vtkMassProperties()
    properties.SetInputData(merged(surface))
    return properties.GetVolume() / 1e3


def signed_volume_ml(surface):
    """Positive where triangles are counterclockwise seen from outside."""
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    points -= points.mean(axis=0)
    a, b, c = (
        points[vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)[:, n]]
        for n in range(3)
    )
    return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6e3


def open_edges(surface):
    edges = vtkFeatureEdges()
    edges.SetInputData(merged(surface))
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.Update()
    return edges.GetOutput().GetNumberOfCells()


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("ending", READERS)
def test_surfaces_lie_where_the_ice_is(direction, ending, tmp_path):
    grid = grid_about(CENTER_MM + 2.0, 60.0, (1.5, 1.2, 2.0), DIRECTIONS[direction])
    result = round_result(grid, CENTER_MM, RADIUS_MM)
    exported = export_result(
        result, tmp_path, isotherms_c=[0, -10, -40], formats=[ending], times_s=[180.0]
    )
    for name, radius in ((f"coldest_0C.{ending}", 17.0), (f"3min_-10C.{ending}", 12.0)):
        assert name in exported.files
        surface = read(tmp_path / name)
        points = vtk_to_numpy(surface.GetPoints().GetData())
        assert np.linalg.norm(points - CENTER_MM, axis=1) == pytest.approx(radius, abs=0.1)
        assert open_edges(surface) == 0
        exact = 4 / 3 * np.pi * radius**3 / 1e3
        assert volume_ml(surface) == pytest.approx(exact, rel=0.01)
        assert signed_volume_ml(surface) == pytest.approx(exact, rel=0.01)
    target = read(tmp_path / f"target.{ending}")
    assert volume_ml(target) == pytest.approx(4 / 3 * np.pi * 8.5**3 / 1e3, rel=0.03)
    assert "coldest_-40C: there is no such surface in the simulated box" in exported.notes


def test_volume_is_that_of_the_isotherm_and_the_probes_in_it(tmp_path):
    tissue = cases.box(1.0, (40, 40, 40))
    result = simulate(tissue, cases.plan("freeze 3 min"), Settings())
    export_result(result, tmp_path, isotherms_c=[0, -20], formats=["stl"])
    for level in (0.0, -20.0):
        share = share_at_or_below(result.coldest_c, level)
        probes = float((share * result.probe_share).sum(dtype=float))
        expected = isotherm_volume_ml(result, result.coldest_c, level)
        expected += probes * result.tissue.grid.cell_volume_ml
        found = volume_ml(read(tmp_path / f"coldest_{level:g}C.stl"))
        assert found == pytest.approx(expected, rel=0.01)


def test_gas_is_left_out_of_the_ice(tmp_path):
    grid = grid_about((0.3, 0.2, 0.1), 50.0, 1.0)
    gas = points_of(grid)[..., 0] > 4.0
    result = round_result(grid, (0, 0, 0), RADIUS_MM, gas)
    export_result(result, tmp_path, isotherms_c=[0])
    surface = read(tmp_path / "coldest_0C.stl")
    expected = isotherm_volume_ml(result, result.coldest_c, 0.0)
    assert volume_ml(surface) == pytest.approx(expected, rel=0.01)
    assert vtk_to_numpy(surface.GetPoints().GetData())[:, 0].max() == pytest.approx(4.0, abs=0.6)


def test_ice_that_leaves_the_box_is_closed_there(tmp_path):
    grid = grid_about(CENTER_MM, 26.0, 1.0)
    export_result(round_result(grid, CENTER_MM, RADIUS_MM), tmp_path, isotherms_c=[0])
    assert open_edges(read(tmp_path / "coldest_0C.stl")) == 0


def test_needles_lie_between_tip_and_entry(tmp_path):
    grid = grid_about(CENTER_MM, 60.0, 2.0, DIRECTIONS["oblique"])
    result = round_result(grid, CENTER_MM, RADIUS_MM)
    export_result(result, tmp_path)
    probe = result.plan.probe[0]
    points = vtk_to_numpy(read(tmp_path / "probe-0-active.stl").GetPoints().GetData())
    assert points[:, 2].min() == pytest.approx(probe.tip_mm[2], abs=0.01)
    assert points[:, 2].max() == pytest.approx(probe.tip_mm[2] + 20.0, abs=0.01)
    assert np.ptp(points[:, 0]) == pytest.approx(1.5, abs=0.03)
    assert (tmp_path / "probe-0-shaft.stl").exists()


def test_files_say_that_they_are_lps_as_slicer_does(tmp_path):
    result = round_result(grid_about(CENTER_MM, 50.0, 3.0), CENTER_MM, RADIUS_MM)
    export_result(result, tmp_path, isotherms_c=[0], formats=["stl", "ply", "vtp"])
    assert b"SPACE=LPS" in (tmp_path / "coldest_0C.stl").read_bytes()[:80]
    assert b"SPACE=LPS" in (tmp_path / "coldest_0C.ply").read_bytes().partition(b"end_header")[0]
    space = read(tmp_path / "coldest_0C.vtp").GetFieldData().GetAbstractArray("SPACE")
    assert space.GetValue(0) == "LPS"


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_fields_are_on_the_voxels_of_the_image(direction, tmp_path):
    """nibabel and a hand-written turn to RAS find the ball where it is."""
    box = grid_about(CENTER_MM + 2.0, 60.0, 2.0)
    image = grid_about(np.add(CENTER_MM, (9, -7, 5)), 110.0, (1.7, 2.1, 2.6), DIRECTIONS[direction])
    result = round_result(box, CENTER_MM, RADIUS_MM)
    result = dataclasses.replace(
        result, tissue=dataclasses.replace(result.tissue, image_grid=image)
    )
    exported = export_result(result, tmp_path, times_s=[180.0])
    assert exported.files[-3:] == (
        "coldest_c.nii.gz", "temperature_3min_c.nii.gz", "kill_probability.nii.gz",
    )  # fmt: skip
    found = nibabel.load(tmp_path / "coldest_c.nii.gz")
    assert found.shape == image.shape[::-1]
    in_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    np.testing.assert_allclose(found.affine, in_ras, atol=1e-4)
    for code in ("sform", "qform"):
        affine, set_ = getattr(found, f"get_{code}")(coded=True)
        assert set_ == 1
        np.testing.assert_allclose(affine, in_ras, atol=1e-3)
    values = np.asanyarray(found.dataobj)
    i, j, k = np.indices(found.shape)
    ras = np.stack([i, j, k], axis=-1) @ found.affine[:3, :3].T + found.affine[:3, 3]
    away = np.linalg.norm(ras - CENTER_MM * [-1, -1, 1], axis=-1)
    inside = np.all(np.abs(ras * [-1, -1, 1] - CENTER_MM - 2.0) < 29.9, axis=-1)
    outside = np.any(np.abs(ras * [-1, -1, 1] - CENTER_MM - 2.0) > 30.1, axis=-1)
    near = inside & (away < 25) & (away > 4)
    assert np.abs(values - 2 * (away - RADIUS_MM))[near].max() < 1.0
    assert (values[outside] == 37.0).all()
    killed = np.asanyarray(nibabel.load(tmp_path / "kill_probability.nii.gz").dataobj)
    assert (killed[outside] == 0.0).all()
    assert killed[away > RADIUS_MM + 4].max() == 0.0
    assert killed[away < 4].min() > 0.2
    ice_ml = (values <= 0).sum() * abs(np.linalg.det(found.affine[:3, :3])) / 1e3
    assert ice_ml == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3 / 1e3, rel=0.03)


def test_coarse_voxels_hold_means(tmp_path):
    box = grid_about(CENTER_MM, 48.0, 1.0)
    image = grid_about(CENTER_MM, 48.0, (6.0, 6.0, 8.0))
    result = round_result(box, CENTER_MM, RADIUS_MM)
    export_result(result, tmp_path, image_grid=image)
    found = np.asanyarray(nibabel.load(tmp_path / "coldest_c.nii.gz").dataobj)
    assert found.mean() == pytest.approx(result.coldest_c.mean(), abs=0.05)


def test_without_an_image_the_simulation_grid_is_taken_and_said(tmp_path):
    grid = grid_about(CENTER_MM, 50.0, 2.5, DIRECTIONS["oblique"])
    exported = export_result(round_result(grid, CENTER_MM, RADIUS_MM), tmp_path)
    assert any("simulation's" in note for note in exported.notes)
    found = nibabel.load(tmp_path / "coldest_c.nii.gz")
    assert found.shape == grid.shape[::-1]


def test_structures_with_awkward_names_get_files_of_their_own(tmp_path):
    grid = grid_about(CENTER_MM, 50.0, 2.5)
    result = round_result(grid, CENTER_MM, RADIUS_MM)
    share = result.tissue.structures["target"]
    names = ("target", "bowel / loop", "bowel _ loop", "../nerve")
    tissue = dataclasses.replace(result.tissue, structures=dict.fromkeys(names, share))
    exported = export_result(dataclasses.replace(result, tissue=tissue), tmp_path)
    expected = {"target.stl", "bowel___loop.stl", "bowel___loop_2.stl", "___nerve.stl"}
    assert expected <= set(exported.files)
    assert {path.name for path in tmp_path.iterdir()} == set(exported.files)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formats": ["obj"]}, "format 'obj' is unknown; use one or more of stl, ply, vtp"),
        ({"times_s": [500.0]}, "no snapshot then, the nearest is at 240 s"),
        ({"times_s": [np.nan]}, "no snapshot then"),
        ({"isotherms_c": [np.inf]}, "must be finite"),
        ({"image_grid": Grid.centered((50, 50, 50), 2.0)}, "the grids do not overlap"),
    ],
)
def test_what_cannot_be_exported_is_said(options, words, tmp_path):
    result = round_result(grid_about(CENTER_MM, 50.0, 3.0), CENTER_MM, RADIUS_MM)
    with pytest.raises(InputError, match=words):
        export_result(result, tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_surface_files_that_cannot_be_written_are_said(tmp_path):
    grid = grid_about(CENTER_MM, 50.0, 3.0)
    share = cases.ball_share(grid, CENTER_MM, 10.0)
    mesh = structure_mesh(grid, share)
    with pytest.raises(InputError, match="must end in"):
        write_mesh(mesh, tmp_path / "ice.obj")
    with pytest.raises(InputError, match="cannot be written"):
        write_mesh(mesh, tmp_path / "missing" / "ice.stl")
