"""What was measured of a single probe in a uniform medium: sizes of its ice, its own surface."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ..errors import InputError, did_you_mean, expect_type, reason_of

__all__ = [
    "Iceball",
    "Observation",
    "ObservedNumber",
    "SurfaceTemperature",
    "read_observations",
]


class ObservedNumber(NamedTuple):
    """A measured number: its name with its unit, and one standard deviation, None if not stated."""

    key: str
    value: float
    uncertainty: float | None


@dataclass(frozen=True)
class Iceball:
    """A published size of the ice around a single probe in a uniform medium.

    Attributes
    ----------
    minutes : how long the probe froze.
    start_c : temperature of the medium before, and far away.
    width_mm, length_mm : across and along the probe; one of them may be missing.
    width_uncertainty_mm, length_uncertainty_mm : one standard deviation each, where published.
    isotherm_c : the temperature at the edge; 0 C for ice that was seen.

    Raises
    ------
    InputError
        When a number cannot be what its unit says, or there is no size.
    """

    minutes: float
    start_c: float
    width_mm: float | None = None
    length_mm: float | None = None
    width_uncertainty_mm: float | None = None
    length_uncertainty_mm: float | None = None
    isotherm_c: float = 0.0

    def __post_init__(self) -> None:
        if self.width_mm is None and self.length_mm is None:
            raise InputError("iceball: neither width_mm nor length_mm; give one or both")
        _check_moment("iceball", self.minutes, self.start_c)
        _check_range(
            "iceball", "isotherm_c", self.isotherm_c, -150.0, min(20.0, self.start_c - 0.5)
        )
        for key in ("width_mm", "length_mm"):
            if getattr(self, key) is not None:
                _check_range("iceball", key, getattr(self, key), 2.0, 200.0)
        for key in ("width", "length"):
            uncertainty = getattr(self, f"{key}_uncertainty_mm")
            if uncertainty is None:
                continue
            _check_range("iceball", f"{key}_uncertainty_mm", uncertainty, 0.01, 100.0)
            if getattr(self, f"{key}_mm") is None:
                raise InputError(f"iceball: {key}_uncertainty_mm without {key}_mm; give both")
        if self.width_mm and self.length_mm and self.length_mm < 0.8 * self.width_mm:
            raise InputError(
                f"iceball: length_mm = {self.length_mm:g} along the probe is far less than "
                f"width_mm = {self.width_mm:g} across it; swap them"
            )

    @property
    def numbers(self) -> tuple[ObservedNumber, ...]:
        """The sizes that were published, by "width_mm" and "length_mm"."""
        found = (
            ("width_mm", self.width_mm, self.width_uncertainty_mm),
            ("length_mm", self.length_mm, self.length_uncertainty_mm),
        )
        return tuple(
            ObservedNumber(key, value, uncertainty)
            for key, value, uncertainty in found
            if value is not None
        )

    def describe(self) -> str:
        """Return the observation as a phrase."""
        sizes = " and ".join(
            f"{_with_spread(number)} mm {'wide' if number.key == 'width_mm' else 'long'}"
            for number in self.numbers
        )
        return (
            f"{self.isotherm_c:g} C isotherm {sizes} after {self.minutes:g} min from "
            f"{self.start_c:g} C"
        )


@dataclass(frozen=True)
class SurfaceTemperature:
    """A measured temperature of the active surface of a single probe in a uniform medium.

    Attributes
    ----------
    minutes : how long the probe froze.
    start_c : temperature of the medium before, and far away.
    surface_c : mean over the active surface.
    surface_uncertainty_c : one standard deviation, where published.

    Raises
    ------
    InputError
        When a number cannot be what its unit says.
    """

    minutes: float
    start_c: float
    surface_c: float
    surface_uncertainty_c: float | None = None

    def __post_init__(self) -> None:
        _check_moment("surface", self.minutes, self.start_c)
        _check_range("surface", "surface_c", self.surface_c, -200.0, -5.0)
        if self.surface_uncertainty_c is not None:
            key = "surface_uncertainty_c"
            _check_range("surface", key, self.surface_uncertainty_c, 0.01, 100.0)

    @property
    def numbers(self) -> tuple[ObservedNumber, ...]:
        """The one number, by "surface_c"."""
        return (ObservedNumber("surface_c", self.surface_c, self.surface_uncertainty_c),)

    def describe(self) -> str:
        """Return the observation as a phrase."""
        return (
            f"surface at {_with_spread(self.numbers[0])} C after {self.minutes:g} min from "
            f"{self.start_c:g} C"
        )


Observation: TypeAlias = Iceball | SurfaceTemperature

_KINDS: Mapping[str, type[Iceball | SurfaceTemperature]] = {
    "ice": Iceball,
    "surface": SurfaceTemperature,
}


def read_observations(path: str | Path) -> tuple[Observation, ...]:
    """Read a TOML file of observations: tables `[[ice]]` and `[[surface]]`.

    Their keys are the attributes of `Iceball` and `SurfaceTemperature`.

    Raises
    ------
    InputError
        When the file cannot be read, or holds something else or something impossible.
    """
    expect_type("read_observations: path", path, (str, Path))
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"observations {path}: cannot be read ({reason_of(error)}); give a TOML file with "
            "[[ice]] or [[surface]]"
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"observations {path}: not valid TOML: {error}") from None
    found: list[Observation] = []
    for name, tables in content.items():
        if name not in _KINDS or not isinstance(tables, list):
            raise InputError(f"observations {path}: '{name}' is not [[ice]] or [[surface]]")
        found += [
            _observation(_KINDS[name], f"observations {path}: [[{name}]] {number}", table)
            for number, table in enumerate(tables, 1)
        ]
    if not found:
        raise InputError(f"observations {path}: empty; give [[ice]] or [[surface]]")
    return tuple(found)


def _observation(kind: type[Observation], where: str, table: Any) -> Observation:
    if not isinstance(table, Mapping):
        raise InputError(f"{where}: not a table; write keys and numbers below it")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key, value in table.items():
        if key not in fields:
            raise InputError(
                f"{where}: {key} is unknown{did_you_mean(key, fields)}; use {', '.join(fields)}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{where}: {key} = {value!r} is not a number")
    missing = [
        key
        for key, field in fields.items()
        if field.default is dataclasses.MISSING and key not in table
    ]
    if missing:
        raise InputError(f"{where}: {' and '.join(missing)} missing; give a number each")
    try:
        return kind(**table)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _check_moment(owner: str, minutes: float, start_c: float) -> None:
    _check_range(owner, "minutes", minutes, 0.1, 240.0)
    _check_range(owner, "start_c", start_c, 0.0, 45.0)


def _check_range(owner: str, key: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise InputError(f"{owner}: {key} = {value:g} is outside {lowest:g} to {highest:g}")


def _with_spread(number: ObservedNumber) -> str:
    spread = "" if number.uncertainty is None else f" +- {number.uncertainty:g}"
    return f"{number.value:.4g}{spread}"
