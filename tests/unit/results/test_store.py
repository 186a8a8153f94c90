"""Result files come back as they were, and independent readers see the same fields."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from cryosim import __version__
from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.results import load_result, save_result, store
from cryosim.simulation import Curves, EnergyLedger, Performance, Result, Varied
from cryosim.tissue import Tissue, TissueGrid

SHAPE = (20, 7, 5)
AWKWARD_NAMES = ("target", "bowel / loop 2", "bowel _ loop 2", "Harnröhre", ".")


def oblique_direction() -> np.ndarray:
    turn, tilt = np.radians(20.0), np.radians(-12.0)
    about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    return np.array(about_z) @ np.array(about_x)


def make_result(direction: np.ndarray | None = None, *, image: bool = True) -> Result:
    """A result of random numbers: what it holds need not make sense, only come back."""
    random = np.random.default_rng(7)

    def field() -> np.ndarray:
        return random.normal(0, 40, SHAPE).astype(np.float32)

    numbers = (0.5, 2.0, 3.6e6, 1.8e6, 2.5e8, -8.0, -1.0)
    tissues = (
        Tissue("ref", *numbers, sources={"k_frozen_w_mk": "a handbook", "solidus_c": "assumption"}),
        Tissue("blood", *numbers, perfusion_1_s=0.1 + 0.2, heat_sink=True),
    )
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform", "size_mm": (50, 50, 80)},
            "tissue": [{"name": "ref", "base": "muscle", "solidus_c": -8.0}],
            "target": {"label": 2, "margin_mm": 5},
            "organ_at_risk": [{"name": AWKWARD_NAMES[1], "label": "x", "min_temperature_c": 5}],
            "probe": [{"model": "argon-17g", "tip_mm": (0, 0, -15), "entry_mm": (0.1, 0, 100)}],
            "protocol": {"preset": "keio-bone"},
            "perfusion": {"stopped": [{"tissues": ["ref"], "minutes": (0.1, 20)}, {}]},
            "report": {"isotherms_c": (0, -20, -40), "times_s": (60, 180)},
        }
    )
    grid = Grid.from_spacing(SHAPE, (0.7, 1.1, 3.0), (-123.4, 0.1, 55.5), direction)
    return Result(
        tissue=TissueGrid(
            grid,
            random.integers(0, 2, SHAPE).astype(np.uint8),
            tissues,
            structures={name: np.abs(field()) for name in AWKWARD_NAMES},
            heat_sink=random.random(SHAPE) < 0.1 if image else None,
            held=random.random(SHAPE) < 0.1 if image else None,
            start_c=np.where(random.random(SHAPE) < 0.5, np.nan, field()) if image else None,
            film_w_m2k=field() if image else None,
            image=field() if image else None,
            image_grid=Grid.from_spacing((9, 8, 7), (0.7, 0.7, 5.0), (1 / 3, 2, 3), direction)
            if image
            else None,
            assumptions=("all bone is cortical",),
            warnings=("the target reaches the edge",),
        ),
        plan=plan,
        times_s=(0.0, 60.0, 0.1 + 180, 1200.0),
        temperatures_c=tuple(field() for _ in range(4)),
        coldest_c=field(),
        time_below_s={0.0: field(), -20.0: field(), -40.0: field(), -2.5: field()},
        freezes_below={c: (field() > 0).astype(np.uint8) for c in (0.0, -20.0, -40.0, -2.5)},
        cooling_rate_k_min=field(),
        thawing_rate_k_min=field(),
        probe_share=field(),
        flux_ratio=(1 / 3, 0.99),
        curves=Curves(
            times_s=np.array([0.0, 1 / 3]),
            sensors_c={AWKWARD_NAMES[0]: np.array([37.0, -1 / 7])},
            needle_power_w=np.array([[0.0, 20.1], [0.0, -3.0]]),
            needle_surface_c=np.array([[np.nan, -150.1], [40.0, np.nan]]),
        ),
        energy=EnergyLedger(1 / 7, 2.0, -3e5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0),
        performance=Performance(1.5, 0.1, 700, 10, 30, 21000, 10**10),
        assumptions=("perfusion is uniform",),
        varied=(
            Varied(
                "at the upper end of ref's blood flow", "0.1 1/s", {"a": -1 / 3, "b": None}, -2.5
            ),
            Varied("with blood back in thawed tissue", "", {}, 0.0),
        ),
    )


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Result, Path]:
    result = make_result(oblique_direction())
    path = tmp_path / "result.vtkhdf"
    save_result(result, path)
    return result, path


def assert_same(found: object, wanted: object) -> None:
    if isinstance(wanted, np.ndarray):
        assert isinstance(found, np.ndarray)
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)
    elif dataclasses.is_dataclass(wanted):
        assert type(found) is type(wanted)
        for field in dataclasses.fields(wanted):
            assert_same(getattr(found, field.name), getattr(wanted, field.name))
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str):
        assert isinstance(found, Sequence)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    elif hasattr(wanted, "items"):
        assert list(found) == list(wanted)
        for key in wanted:
            assert_same(found[key], wanted[key])
    else:
        assert type(found) is type(wanted)
        assert found == wanted


@pytest.mark.parametrize("direction", [None, oblique_direction(), np.diag([-1.0, -1.0, 1.0])])
@pytest.mark.parametrize("image", [True, False])
def test_everything_comes_back(direction: np.ndarray | None, image: bool, tmp_path: Path) -> None:
    result = make_result(direction, image=image)
    save_result(result, tmp_path / "result.vtkhdf")
    assert_same(load_result(tmp_path / "result.vtkhdf"), result)


def test_files_that_do_not_say_the_grid_of_the_image_can_be_read(
    saved: tuple[Result, Path],
) -> None:
    with h5py.File(saved[1], "a") as file:
        del file["cryosim/image_grid"]
        file["cryosim"].attrs["format_version"] = "2.0"
    loaded = load_result(saved[1])
    assert loaded.tissue.image_grid is None
    assert loaded.tissue.grid.matches(saved[0].tissue.grid)


def test_files_from_before_tissues_were_varied_can_be_read(saved: tuple[Result, Path]) -> None:
    with h5py.File(saved[1], "a") as file:
        del file["cryosim/varied"]
        file["cryosim"].attrs["format_version"] = "2.3"
    assert load_result(saved[1]).varied == ()


@pytest.mark.parametrize("modality", ["ct", "mr", None])
def test_what_the_image_is_comes_back(modality: str | None, tmp_path: Path) -> None:
    result = make_result()
    tissue = dataclasses.replace(result.tissue, modality=modality)
    save_result(dataclasses.replace(result, tissue=tissue), tmp_path / "result.vtkhdf")
    assert load_result(tmp_path / "result.vtkhdf").tissue.modality == modality


@pytest.mark.parametrize(("darkest", "modality"), [(-1000.0, "ct"), (-100.0, "mr")])
def test_files_that_do_not_say_what_the_image_is_show_it(
    saved: tuple[Result, Path], darkest: float, modality: str
) -> None:
    with h5py.File(saved[1], "a") as file:
        del file["cryosim/modality"]
        plan = json.loads(file["cryosim/plan"].asstr()[()])
        plan["anatomy"] = {"image": "ct.nii.gz", "labels": "labels.nii.gz"}
        del file["cryosim/plan"]
        file["cryosim/plan"] = json.dumps(plan)
        file["VTKHDF/PointData/image"][0, 0, 0, 0] = darkest
        file["VTKHDF/PointData/image"][...] = np.maximum(
            file["VTKHDF/PointData/image"][...], darkest
        )
    assert load_result(saved[1]).tissue.modality == modality


def test_loaded_arrays_are_read_only(saved: tuple[Result, Path]) -> None:
    loaded = load_result(saved[1])
    arrays = [*loaded.temperatures_c, loaded.coldest_c, loaded.probe_share]
    arrays += [*loaded.time_below_s.values(), *loaded.tissue.structures.values()]
    assert not any(array.flags.writeable for array in arrays)


def test_the_file_says_who_wrote_it_and_nothing_about_folders(tmp_path: Path) -> None:
    result = make_result()
    result.plan._folder = tmp_path / "secret-patient"
    save_result(result, tmp_path / "result.vtkhdf")
    with h5py.File(tmp_path / "result.vtkhdf") as file:
        record = file["cryosim"]
        assert record.attrs["format_version"] == "2.4"
        assert record.attrs["program_version"] == __version__
        assert json.loads(record["plan"].asstr()[()])["protocol"]["preset"] == "keio-bone"
    assert b"secret-patient" not in (tmp_path / "result.vtkhdf").read_bytes()
    assert load_result(tmp_path / "result.vtkhdf").plan.folder == Path()


def test_vtk_reads_every_step(saved: tuple[Result, Path]) -> None:
    hdf = pytest.importorskip("vtkmodules.vtkIOHDF")
    from vtkmodules.util.numpy_support import vtk_to_numpy

    result, path = saved
    reader = hdf.vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == len(result.times_s)
    for step, field in enumerate(result.temperatures_c):
        reader.SetStep(step)
        reader.Update()
        image = reader.GetOutputDataObject(0)
        values = image.GetPointData()
        found = vtk_to_numpy(values.GetArray("temperature_c")).reshape(SHAPE)
        np.testing.assert_array_equal(found, field)
        np.testing.assert_array_equal(
            vtk_to_numpy(values.GetArray("coldest_c")).reshape(SHAPE), result.coldest_c
        )
        np.testing.assert_array_equal(
            vtk_to_numpy(values.GetArray("tissue")).reshape(SHAPE), result.tissue.index
        )
        names = {values.GetArrayName(n) for n in range(values.GetNumberOfArrays())}
        assert {"structure_0_target", "structure_1_bowel___loop_2", "seconds_below_-2.5C"} <= names
        grid = result.tissue.grid
        np.testing.assert_array_equal(image.GetOrigin(), grid.origin_mm)
        np.testing.assert_array_equal(image.GetSpacing(), grid.spacing_mm)
        direction = image.GetDirectionMatrix()
        np.testing.assert_array_equal(
            [[direction.GetElement(row, col) for col in range(3)] for row in range(3)],
            grid.direction,
        )
        voxel = np.array([4, 2, 11])
        point = image.GetPoint(image.ComputePointId([int(n) for n in voxel]))
        np.testing.assert_allclose(point, grid.to_world(voxel), atol=1e-9)


def test_vtk_knows_the_times_in_seconds(saved: tuple[Result, Path]) -> None:
    hdf = pytest.importorskip("vtkmodules.vtkIOHDF")
    result, path = saved
    reader = hdf.vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    times = []
    for step in range(reader.GetNumberOfSteps()):
        reader.SetStep(step)
        reader.Update()
        times.append(reader.GetTimeValue())
    assert tuple(times) == result.times_s


def test_pyvista_reads_it(saved: tuple[Result, Path]) -> None:
    pyvista = pytest.importorskip("pyvista")
    result, path = saved
    image = pyvista.read(path)
    assert image.dimensions == SHAPE[::-1]
    first = image.point_data["temperature_c"].reshape(SHAPE)
    np.testing.assert_array_equal(first, result.temperatures_c[0])
    np.testing.assert_array_equal(image.direction_matrix, result.tissue.grid.direction)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_result(tmp_path / "nowhere.vtkhdf")


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_truncated_file(saved: tuple[Result, Path], share: float) -> None:
    whole = saved[1].read_bytes()
    saved[1].write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="damaged"):
        load_result(saved[1])


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "foreign.vtkhdf"
    path.write_text("not HDF5 at all")
    with pytest.raises(InputError, match="not a result file"):
        load_result(path)
    with h5py.File(path, "w") as file:
        file["somebody"] = [1, 2, 3]
    with pytest.raises(InputError, match="not written by cryosim"):
        load_result(path)


@pytest.mark.parametrize(
    "name", ["cryosim/plan", "cryosim/energy", "VTKHDF/Steps", "VTKHDF/PointData/coldest_c"]
)
def test_a_part_is_missing(saved: tuple[Result, Path], name: str) -> None:
    with h5py.File(saved[1], "r+") as file:
        del file[name]
    with pytest.raises(InputError, match=r"result\.vtkhdf: damaged"):
        load_result(saved[1])


def test_newer_format_is_refused_and_newer_minor_is_not(saved: tuple[Result, Path]) -> None:
    result, path = saved
    with h5py.File(path, "r+") as file:
        file["cryosim"].attrs["format_version"] = "2.7"
    assert load_result(path).times_s == result.times_s
    with h5py.File(path, "r+") as file:
        file["cryosim"].attrs["format_version"] = "3.0"
    with pytest.raises(InputError, match=r"format 3\.0 cannot be read"):
        load_result(path)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_older_file_alone(
    saved: tuple[Result, Path], error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    result, path = saved
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise error

    # The fields are written by then, the rest is not.
    monkeypatch.setattr(store, "_documents", fail)
    with pytest.raises(error):
        save_result(make_result(), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert_same(load_result(path), result)


def test_a_loaded_result_outlives_the_file_it_came_from(saved: tuple[Result, Path]) -> None:
    result, path = saved
    loaded = load_result(path)
    save_result(dataclasses.replace(result, temperatures_c=result.temperatures_c[::-1]), path)
    for found, wanted in zip(loaded.temperatures_c, result.temperatures_c, strict=True):
        np.testing.assert_array_equal(found, wanted)
    save_result(loaded, path)
    assert_same(load_result(path), result)


def test_a_damaged_snapshot_is_told_when_it_is_read(saved: tuple[Result, Path]) -> None:
    path = saved[1]
    with h5py.File(path) as file:
        chunk = file["VTKHDF/PointData/temperature_c"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(content)
    loaded = load_result(path)
    with pytest.raises(InputError, match="damaged"):
        loaded.temperatures_c[0]


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be written \(No such file or directory\)"):
        save_result(make_result(), tmp_path / "missing" / "result.vtkhdf")
