"""A tissue: the numbers that decide how it freezes, each with its source."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid, read_only
from ..images import Modality
from ..sources import is_assumption

__all__ = ["BY_CT", "FROZEN_LAWS", "Tissue", "TissueGrid", "look_up"]

Element = TypeVar("Element", bound=np.generic)
FrozenLaw = Literal["constant", "ice"]
FROZEN_LAWS: tuple[str, ...] = get_args(FrozenLaw)

# Physical limits: outside them a number is a slip of the unit, not a tissue.
_LIMITS: dict[str, tuple[float, float]] = {
    "k_unfrozen_w_mk": (1e-3, 500.0),
    "k_frozen_w_mk": (1e-3, 500.0),
    "rho_c_unfrozen_j_m3k": (1e2, 2e7),
    "rho_c_frozen_j_m3k": (1e2, 2e7),
    "latent_heat_j_m3": (0.0, 1e9),
    "solidus_c": (-150.0, 20.0),
    "liquidus_c": (-150.0, 20.0),
    "perfusion_1_s": (0.0, 1.0),
    "rho_c_blood_j_m3k": (1e5, 1e7),
    "arterial_c": (0.0, 45.0),
    "metabolism_w_m3": (0.0, 1e6),
    "host_flow_share": (0.0, 1.0),
}

BY_CT = "-by-ct"  # ends the names of tissues that Hounsfield units tell from no others

# Solids and liquids hold a thousand times more heat than gas.
_GAS_BELOW_J_M3K = 1e5


@dataclass(frozen=True)
class Tissue:
    """Thermal properties of one tissue.

    Attributes
    ----------
    name : unique name in the library.
    k_unfrozen_w_mk, k_frozen_w_mk : thermal conductivity, W/m/K; frozen at -40 C.
    rho_c_unfrozen_j_m3k, rho_c_frozen_j_m3k : volumetric heat capacity, J/m3/K; frozen at -40 C.
    latent_heat_j_m3 : latent heat of the freezing range, J/m3.
    solidus_c, liquidus_c : the freezing range; all ice below, no ice above.
    perfusion_1_s : blood volume per tissue volume and second.
    rho_c_blood_j_m3k : volumetric heat capacity of blood, J/m3/K.
    arterial_c : temperature at which blood arrives.
    metabolism_w_m3 : metabolic heat, W/m3.
    host_flow_share : of a tumor: how much of its host's flow it has.
    frozen_law : "ice": below the solidus k goes with 1/T and rho c with 152.5 + 7.122 T (T in
        kelvin), as for ice; "constant": both stay what they are at -40 C.
    heat_sink : True for blood in vessels, held at `arterial_c` where a vessel is wide enough.
    flow_of : of a tumor, the tissue whose flow it has, before it is placed "host"; empty where it
        has its own.
    sources : where each number comes from, by field name; "assumption" where nobody measured it.
    ranges : lowest and highest value that can be defended, by field name, where known.

    Raises
    ------
    InputError
        When a number is not physical.
    """

    name: str
    k_unfrozen_w_mk: float
    k_frozen_w_mk: float
    rho_c_unfrozen_j_m3k: float
    rho_c_frozen_j_m3k: float
    latent_heat_j_m3: float
    solidus_c: float
    liquidus_c: float
    perfusion_1_s: float = 0.0
    rho_c_blood_j_m3k: float = 1049.75 * 3617.0
    arterial_c: float = 37.0
    metabolism_w_m3: float = 0.0
    host_flow_share: float = 1.0
    frozen_law: FrozenLaw = "constant"
    heat_sink: bool = False
    flow_of: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for key, (lowest, highest) in _LIMITS.items():
            value = getattr(self, key)
            if not lowest <= value <= highest:
                raise InputError(
                    f"tissue '{self.name}': {key} = {value:g} is outside {lowest:g} to "
                    f"{highest:g}; check its unit"
                )
        if self.frozen_law not in FROZEN_LAWS:
            raise InputError(
                f"tissue '{self.name}': frozen_law = '{self.frozen_law}' is unknown; use "
                f"{' or '.join(repr(law) for law in FROZEN_LAWS)}"
            )
        if self.liquidus_c - self.solidus_c < 0.05:
            raise InputError(
                f"tissue '{self.name}': liquidus_c = {self.liquidus_c:g} must lie at least 0.05 C "
                f"above solidus_c = {self.solidus_c:g}; widen the freezing range"
            )
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))
        ranges = {key: (float(low), float(high)) for key, (low, high) in self.ranges.items()}
        object.__setattr__(self, "ranges", MappingProxyType(ranges))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled.
        known = {key.name: getattr(self, key.name) for key in fields(self)}
        known |= {"sources": dict(self.sources), "ranges": dict(self.ranges)}
        return functools.partial(type(self), **known), ()

    def is_called(self, name: str) -> bool:
        """Whether it is the tissue of that name, also where only Hounsfield units tell so."""
        return name in (self.name, self.name.removesuffix(BY_CT))

    @property
    def is_gas(self) -> bool:
        """Whether this is gas, which stores almost no heat and does not count as tissue."""
        return max(self.rho_c_frozen_j_m3k, self.rho_c_unfrozen_j_m3k) < _GAS_BELOW_J_M3K

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Names of the fields that rest on an assumption instead of a source."""
        return tuple(key for key, source in self.sources.items() if is_assumption(source))


@dataclass(frozen=True, eq=False)
class TissueGrid:
    """The patient as the simulation sees it.

    Attributes
    ----------
    grid : the simulation grid.
    index : (k, j, i) uint8; which of `tissues` fills the voxel.
    tissues : the tissues that occur.
    structures : name ("target", an organ at risk) to (k, j, i) float32 in 0..1, the share of each
        voxel that the structure fills.
    heat_sink : (k, j, i) bool; voxels held at their tissue's arterial temperature.
    outside_air : (k, j, i) bool; what is around the patient, which cools the skin as a film.
    things : (k, j, i) bool; where shafts cannot pass in it: table, mattress, another limb. Not kept
        in files.
    held : (k, j, i) bool; voxels held at `start_c`, as irrigation keeps them.
    start_c : (k, j, i) float32 or None; temperature before the first freeze where it is not that
        of the body (NaN elsewhere); of air: the pack that covers the skin there.
    film_w_m2k : (k, j, i) float32 or None; heat transfer to what is held, where it is not that of
        the plan (NaN elsewhere).
    image : (k, j, i) float32 or None; the CT or MR on the grid, for pictures.
    modality : what that image is, "ct" or "mr"; None without one.
    image_grid : the voxels of that image as its file has them, for exports; None where unknown.
    assumptions : sentences about how the tissues were found, for the report.
    warnings : sentences about what may be wrong with them, for the report.
    """

    grid: Grid
    index: NDArray[np.uint8]
    tissues: tuple[Tissue, ...]
    structures: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    heat_sink: NDArray[np.bool_] | None = None
    outside_air: NDArray[np.bool_] | None = None
    things: NDArray[np.bool_] | None = None
    held: NDArray[np.bool_] | None = None
    start_c: NDArray[np.float32] | None = None
    film_w_m2k: NDArray[np.float32] | None = None
    image: NDArray[np.float32] | None = None
    modality: Modality | None = None
    image_grid: Grid | None = None
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.index.shape != self.grid.shape:
            raise InputError(
                f"tissue grid: index has shape {self.index.shape}, the grid {self.grid.shape}"
            )
        if int(self.index.max()) >= len(self.tissues):
            raise InputError(
                f"tissue grid: index {int(self.index.max())} points beyond the "
                f"{len(self.tissues)} tissues given"
            )
        object.__setattr__(self, "index", read_only(self.index.astype(np.uint8, copy=False)))
        shares = {}
        for name, share in self.structures.items():
            if share.shape != self.grid.shape:
                raise InputError(f"tissue grid: structure '{name}' has shape {share.shape}")
            shares[name] = read_only(share.astype(np.float32, copy=False))
        object.__setattr__(self, "structures", MappingProxyType(shares))
        for name in ("image", "start_c", "film_w_m2k"):
            field_ = getattr(self, name)
            if field_ is not None:
                object.__setattr__(self, name, read_only(field_.astype(np.float32, copy=False)))
        for name in ("heat_sink", "outside_air", "things", "held"):
            mask = getattr(self, name)
            if mask is not None:
                object.__setattr__(self, name, read_only(mask.astype(np.bool_)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled; what is cached need not be.
        known = {key.name: getattr(self, key.name) for key in fields(self)}
        return functools.partial(type(self), **{**known, "structures": dict(self.structures)}), ()

    @property
    def is_gas(self) -> NDArray[np.bool_]:
        """(k, j, i); which voxels are gas."""
        return look_up(np.array([tissue.is_gas for tissue in self.tissues]), self.index)

    def share_of(self, organ: str) -> NDArray[np.float32]:
        """(k, j, i) in 0..1; share of each voxel that a structure fills, or else the skin."""
        return self.structures[organ] if organ in self.structures else self.skin.astype(np.float32)

    @cached_property
    def skin(self) -> NDArray[np.bool_]:
        """(k, j, i); voxels of tissue next to room air, none without room air."""
        from scipy import ndimage

        if self.outside_air is None:
            return np.zeros(self.grid.shape, dtype=np.bool_)
        beside: NDArray[np.bool_] = ndimage.binary_dilation(self.outside_air)
        return beside & ~self.outside_air & ~self.is_gas

    @cached_property
    def gas_and_nearest(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Flat indices of gas voxels, ascending, and of the nearest voxel of tissue to each."""
        from scipy import ndimage

        gas = self.is_gas
        if not gas.any() or gas.all():
            none = np.zeros(0, dtype=np.intp)
            return none, none
        nearest = ndimage.distance_transform_edt(
            gas, sampling=self.grid.spacing_mm[::-1], return_distances=False, return_indices=True
        )
        flat = np.flatnonzero(gas)
        found = np.ravel_multi_index(tuple(axis.ravel()[flat] for axis in nearest), gas.shape)
        return flat, found

    def continued_through_gas(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a field in which gas has the values of the nearest tissue.

        Isotherms then leave the body at right angles instead of ending along skin and bowel gas,
        where no tissue is left to be cold or warm.
        """
        gas, nearest = self.gas_and_nearest
        if len(gas) == 0:
            return field
        continued = field.copy()
        continued.reshape(-1)[gas] = field.reshape(-1)[nearest]
        return continued

    @classmethod
    def uniform(cls, grid: Grid, tissue: Tissue) -> TissueGrid:
        """Fill a grid with one tissue."""
        return cls(grid, np.zeros(grid.shape, dtype=np.uint8), (tissue,))


def look_up(table: NDArray[Element], index: NDArray[Any]) -> NDArray[Element]:
    """Return `table[index]`, plane by plane: NumPy would widen the whole index to eight bytes.

    Parameters
    ----------
    table : (n,). index : (k, j, i) whole numbers, 0 to n - 1.
    """
    found = np.empty(index.shape, dtype=table.dtype)
    for plane, at in zip(found, index, strict=True):
        plane[...] = table[at]
    return found
