"""The distribution as users get it: sdist, a wheel from it, a clean environment."""

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("cryosim", "cryosim_kernels", "cryosim_phantoms")


def call(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """An sdist of the repository, and a wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    # hatchling is installed with the test extra, so that building needs no network.
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder))
    call(*build, "--sdist", str(REPOSITORY))
    sdist = next(folder.glob("*.tar.gz"))
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    call(*build, "--wheel", str(next((folder / "unpacked").iterdir())))
    return next(folder.glob("*.whl"))


def test_wheel_holds_all_packages_and_their_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in PACKAGES:
        assert f"{package}/__init__.py" in names
        assert f"{package}/py.typed" in names
    tables = ("tissue/library.toml", "tissue/structures.toml", "probes/catalog.toml")
    for table in (
        *tables,
        "evaluation/kill.toml",
        "reporting/page/page.html",
        "reporting/page/page.css",
    ):
        assert f"cryosim/{table}" in names
    assert not any(name.startswith(("tests/", "examples/")) for name in names)


def test_a_clean_environment_imports_and_runs(wheel, tmp_path):
    """The wheel is the only thing taken from here; its dependencies are those installed already."""
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    call(sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", str(wheel))
    site = call(python, "-c", "import site; print(site.getsitepackages()[0])").strip()
    # Dependencies come from the environment of the tests; its own cryosim is shut out.
    outside = next(path for path in sys.path if path.endswith("site-packages"))
    code = (
        f"import sys; sys.path.append({outside!r})\n"
        "import cryosim, cryosim_kernels, cryosim_phantoms\n"
        f"for module in (cryosim, cryosim_kernels, cryosim_phantoms):\n"
        f"    assert module.__file__.startswith({site!r}), module.__file__\n"
        "from cryosim.cli import main\n"
        "sys.exit(main(['list', 'tissues']))\n"
    )
    printed = call(python, "-c", code, cwd=tmp_path)
    assert "liver" in printed


def test_importing_cryosim_is_light():
    code = (
        "import sys, cryosim\n"
        "heavy = {'pyvista', 'vtkmodules', 'pydicom', 'nibabel', 'h5py', 'scipy', 'numba'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert call(sys.executable, "-c", code, cwd=REPOSITORY).strip() == "[]"


def test_layers_hold():
    """Upper modules import lower ones, never the reverse; heavy libraries stay in their place."""
    script = Path(sys.executable).parent / "lint-imports"
    call(str(script), "--no-cache", cwd=REPOSITORY)


def test_every_public_name_exists():
    import cryosim

    for name in cryosim.__all__:
        assert getattr(cryosim, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'iceball'"):
        _ = cryosim.iceball


def test_kernel_cache_folder_follows_the_sources(tmp_path):
    """An edit of any kernel source changes the cache folder, so stale machine code never runs."""
    package = tmp_path / "cryosim_kernels"
    package.mkdir()
    source = REPOSITORY / "kernels" / "cryosim_kernels"
    for path in source.glob("*.py"):
        (package / path.name).write_text(path.read_text())
    code = "from cryosim_kernels import _compile; import numba; print(numba.config.CACHE_DIR)"
    environment = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "PATH": ""}

    def cache_folder():
        return call(sys.executable, "-c", code, env=environment, cwd=tmp_path).strip()

    before = cache_folder()
    assert before.startswith(str(tmp_path))
    assert cache_folder() == before
    surfaces = package / "surfaces.py"
    surfaces.write_text(surfaces.read_text() + "\n# edited\n")
    assert cache_folder() != before
