"""The house: every module has a name of its own, and a line in CONTRIBUTING.md for its room."""

import re
from collections import Counter
from pathlib import Path

import cryosim
import cryosim_kernels as kernels
from cryosim import simulation

HOUSE = Path(cryosim.__file__).parent
MODULES = [path for path in HOUSE.rglob("*.py") if not path.name.startswith("__")]


def test_no_two_modules_have_one_name():
    counts = Counter(path.stem for path in MODULES)
    rooms = {path.name for path in HOUSE.rglob("*/") if (path / "__init__.py").exists()}
    assert [name for name, count in counts.items() if count > 1] == []
    # A room may have one module of its name: the thing itself.
    assert {p.stem for p in MODULES if p.stem in rooms and p.parent.name != p.stem} == set()


def test_every_room_says_what_it_is_for():
    contributing = Path(__file__).parents[2] / "CONTRIBUTING.md"
    rows = re.findall(r"^\| (`.*?) \|", contributing.read_text(encoding="utf-8"), re.M)
    told = set(re.findall(r"`(\w+)`", " ".join(rows)))
    rooms = {path.relative_to(HOUSE).parts[0].removesuffix(".py") for path in MODULES}
    assert rooms <= told


def test_no_module_hides_a_function_that_is_loaded_late():
    """Once imported, a module of the function's name would stand in its place."""
    for package, late in ((simulation, simulation._COMPUTING), (kernels, kernels._PUBLIC)):
        modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")}
        assert set(late) <= set(package.__all__) - modules
        assert all(callable(getattr(package, name)) for name in late)
