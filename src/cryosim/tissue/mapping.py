"""From labels and Hounsfield units to the tissue of every voxel.

What decides, in this order: the plan's mapping (by label value or name), the structure's name, the
Hounsfield units of a CT. An MR has no such units: what is not labeled there is soft tissue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, did_you_mean
from ..geometry import Grid
from ..images import Labels, Volume, label_values, resample_labels, resample_volume
from .hounsfield import (
    HU_ASSUMPTION,
    HU_TISSUES,
    METAL_HU,
    bone_from_hu,
    drop_thin_lung,
    gas_from_hu,
    tissue_from_hu,
)
from .library import TissueLibrary
from .structures import Split, StructureRule, rule_of_structure, tissue_of_structure
from .tissue_grid import Tissue, TissueGrid, look_up
from .vessels import wide_vessels

__all__ = ["build_tissue", "tissue_from_hu", "tissue_of_structure", "wide_vessels"]

HuArray = NDArray[np.float32]
IndexArray = NDArray[np.uint8]

FALLBACK = "soft-tissue"
BY_HU = StructureRule(FALLBACK, "hu")
# Words of a plan's mapping that are not tissues.
WORDS = {"hu": BY_HU, "bone": StructureRule("bone-cancellous", "bone")}
_WORD_OF_SPLIT = {"bone": "bone", "hu": "Hounsfield units"}

WIDE_VESSEL_MM = 3.0

# Up to this label value the place of each is looked up in a list.
_MOST_LISTED = 65535


@dataclass
class _Palette:
    """Tissues in the order in which voxels index them."""

    library: TissueLibrary
    tissues: dict[str, Tissue]

    def index_of(self, name: str) -> int:
        tissue = self.library[name]
        self.tissues.setdefault(tissue.name, tissue)
        return list(self.tissues).index(tissue.name)

    def indices_of(self, names: tuple[str, ...]) -> IndexArray:
        return np.array([self.index_of(name) for name in names], dtype=np.uint8)


def build_tissue(
    grid: Grid,
    volume: Volume | None,
    labels: Labels | None,
    tissues: Mapping[str, str],
    library: TissueLibrary,
    *,
    structures: Mapping[str, NDArray[np.float32]] | None = None,
) -> TissueGrid:
    """Fill the simulation grid with tissue.

    Parameters
    ----------
    grid : the simulation grid.
    volume : the image; a CT's Hounsfield units decide where labels do not.
    labels : the segmentation.
    tissues : label value (as text) or name to tissue name, or to "hu" (by Hounsfield units) or
        "bone" (cortical, cancellous or marrow by Hounsfield units).
    library : the tissues to choose from, the plan's own included.
    structures : name to share of each voxel, passed on as is.

    Returns
    -------
    TissueGrid
        With the image on its grid, and a sentence for everything that was assumed. Vessels of
        more than 3 mm whose tissue is a heat sink are held at arterial temperature.

    Raises
    ------
    InputError
        When nothing tells the tissue (MR or no image, without labels), or the mapping names a
        label or a tissue that does not exist.
    """
    _check_inputs(volume, labels, tissues)
    explicit = _explicit_rules(tissues, labels, library) if labels is not None else {}
    image = resample_volume(volume, grid) if volume is not None else None
    hu = image if volume is not None and volume.modality == "ct" else None
    if hu is None:
        _refuse_hu(explicit)
    background = np.zeros(grid.shape, dtype=np.int32)
    on_grid = resample_labels(labels, grid) if labels is not None else background
    values, which = _label_of_voxels(on_grid)
    notes: list[str] = []
    rules = _rules_of_values(values, labels.names if labels is not None else {}, explicit, notes)
    _note_hu(rules, hu, notes)

    palette = _Palette(library, {})
    index = _paint(which, rules, hu, palette, grid.spacing_mm)
    heat_sink = _hold_vessels(index, grid, palette, notes)
    index, used = _drop_unused(index, palette)
    return TissueGrid(
        grid,
        index,
        used,
        structures or {},
        heat_sink,
        image=image,
        modality=volume.modality if volume is not None else None,
        assumptions=tuple(notes),
    )


def _check_inputs(volume: Volume | None, labels: Labels | None, tissues: Mapping[str, str]) -> None:
    """Refuse a plan in which nothing tells the tissue."""
    if labels is not None:
        return
    if tissues:
        raise InputError(
            f"anatomy.tissues maps label {next(iter(tissues))}, but the plan has no labels; "
            "add anatomy.labels, or remove the table"
        )
    if volume is None:
        raise InputError("anatomy: neither image nor labels tell the tissue; add anatomy.image")
    if volume.modality != "ct":
        raise InputError(
            "anatomy: an MR image does not tell the tissue; add anatomy.labels, a segmentation"
        )


def _explicit_rules(
    tissues: Mapping[str, str], labels: Labels, library: TissueLibrary
) -> dict[int, StructureRule]:
    """Return the rule of every label value that the plan maps."""
    present = {int(value) for value in labels.present}
    rules: dict[int, StructureRule] = {}
    for key, word in tissues.items():
        rule = _rule_of_word(key, word, library)
        for value in _values_of_key(key, labels, present):
            if rules.setdefault(value, rule) != rule:
                raise InputError(
                    f"anatomy.tissues maps label {value} twice, to {rules[value].tissue} and to "
                    f"{rule.tissue}; keep one of its number and its name"
                )
    return rules


def _rule_of_word(key: str, word: str, library: TissueLibrary) -> StructureRule:
    name = library.find_name(word)
    if name is not None:
        return StructureRule(name)
    if word.strip().lower() in WORDS:
        return WORDS[word.strip().lower()]
    known = (*library.names, *library.aliases, *WORDS)
    raise InputError(
        f"anatomy.tissues: label {key} = '{word}' is not a tissue{did_you_mean(word, known)}; "
        "'cryosim list tissues' shows all, and \"hu\" takes it from the CT"
    )


def _values_of_key(key: str, labels: Labels, present: set[int]) -> list[int]:
    if key.strip().lstrip("+-").isdigit():
        value = int(key)
        if value in present or value in labels.names:
            return [value]
        listed = ", ".join(str(n) for n in sorted(present)[:40])
        raise InputError(f"anatomy.tissues: label {key} has no voxel; the labels hold: {listed}")
    found = [value for value, name in labels.names.items() if name.lower() == key.strip().lower()]
    if not found:
        known = sorted(set(labels.names.values()))
        listed = ", ".join(known[:40]) or "none, use the label's number"
        raise InputError(
            f"anatomy.tissues: no label is named '{key}'{did_you_mean(key, known)}; "
            f"named are: {listed}"
        )
    return found


def _rules_of_values(
    values: list[int],
    names: Mapping[int, str],
    explicit: Mapping[int, StructureRule],
    notes: list[str],
) -> list[StructureRule]:
    """Return the rule of every label value that occurs, in the order of `values`."""
    rules = []
    by_name: dict[str, list[str]] = {}
    unknown: list[str] = []
    for value in values:
        name = names.get(value, "")
        rule = explicit.get(value)
        if rule is None and value != 0 and name:
            rule = rule_of_structure(name)
            if rule is not None:
                by_name.setdefault(_WORD_OF_SPLIT.get(rule.split, rule.tissue), []).append(name)
        if rule is None and value != 0:
            unknown.append(f"{value} '{name}'" if name else f"{value}")
        rules.append(rule or BY_HU)
    if unknown:
        notes.append(
            f"no tissue in the plan and no known name, so taken as unlabeled: "
            f"label {', '.join(unknown)}"
        )
    if by_name:
        told = "; ".join(f"{word} for {_listed(named)}" for word, named in by_name.items())
        notes.append(f"tissue by structure name: {told}")
    return rules


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"


def _refuse_hu(explicit: Mapping[int, StructureRule]) -> None:
    """Refuse a mapping that asks for Hounsfield units where there are none."""
    for value, rule in explicit.items():
        if rule.split == "hu":
            raise InputError(
                f'anatomy.tissues: label {value} = "hu" needs a CT in anatomy.image; name a tissue '
                "instead"
            )


def _note_hu(rules: list[StructureRule], hu: HuArray | None, notes: list[str]) -> None:
    """Say what Hounsfield units decided, or what stood in for them."""
    splits = {rule.split for rule in rules}
    if hu is None:
        if "hu" in splits:
            notes.append(f"no CT: voxels without a known label are taken as {FALLBACK}")
        if "bone" in splits:
            notes.append("no CT: bones are taken as cancellous throughout")
        if "gas" in splits:
            notes.append("no CT: hollow organs are taken as wall throughout, without gas")
        return
    if "hu" in splits:
        notes.append(HU_ASSUMPTION)
    metal = int(np.count_nonzero(hu > METAL_HU))
    if metal:
        notes.append(
            f"{metal} voxels above {METAL_HU:g} HU may be metal: taken as cortical bone where no "
            "label says otherwise"
        )
    if "gas" in splits:
        notes.append("contents of hollow organs are taken as gas below -200 HU, else as wall")


def _label_of_voxels(on_grid: NDArray[np.int32]) -> tuple[list[int], NDArray[np.integer]]:
    """Return the label values that occur, and for every voxel which of them it has."""
    values = label_values(on_grid)
    if values[0] < 0 or values[-1] > _MOST_LISTED:
        which = np.searchsorted(values, on_grid)
    else:
        place = np.zeros(values[-1] + 1, dtype=np.min_scalar_type(len(values)))
        place[values] = np.arange(len(values))
        which = look_up(place, on_grid)
    return [int(value) for value in values], which


def _paint(
    which: NDArray[np.integer],
    rules: list[StructureRule],
    hu: HuArray | None,
    palette: _Palette,
    spacing_mm: NDArray[np.float64],
) -> IndexArray:
    """Return the tissue of every voxel as an index into the palette."""
    index = look_up(palette.indices_of(tuple(rule.tissue for rule in rules)), which)
    if hu is None:
        return index
    of_hu = palette.indices_of(HU_TISSUES)
    by_hu = _split(which, rules, "hu")
    if by_hu is not None:
        index[by_hu] = of_hu[drop_thin_lung(tissue_from_hu(hu), spacing_mm)[by_hu]]
    in_bone = _split(which, rules, "bone")
    if in_bone is not None:
        index[in_bone] = of_hu[bone_from_hu(hu[in_bone])]
    hollow = _split(which, rules, "gas")
    if hollow is not None:
        index[hollow & gas_from_hu(hu)] = palette.index_of("gas")
    return index


def _split(
    which: NDArray[np.integer], rules: list[StructureRule], split: Split
) -> NDArray[np.bool_] | None:
    """Return the voxels in which Hounsfield units decide something; None where there are none."""
    decided = np.array([rule.split == split for rule in rules])
    return look_up(decided, which) if decided.any() else None


def _hold_vessels(
    index: IndexArray, grid: Grid, palette: _Palette, notes: list[str]
) -> NDArray[np.bool_] | None:
    """Return the voxels of wide vessels; narrow ones become soft tissue, in place.

    Blood that stands still would be a better insulator than what a small vessel is: a path of
    perfusion. Soft tissue with its perfusion comes nearest.
    """
    sinks = np.array([tissue.heat_sink for tissue in palette.tissues.values()])
    blood = look_up(sinks, index)
    if not blood.any():
        return None
    wide = wide_vessels(blood, grid.spacing_mm, WIDE_VESSEL_MM)
    narrow = blood & ~wide
    if narrow.any():
        index[narrow] = palette.index_of(FALLBACK)
        notes.append(
            f"{int(narrow.sum())} voxels of vessels of {WIDE_VESSEL_MM:g} mm and less are taken as "
            f"perfused {FALLBACK}; only wider vessels are held at arterial temperature"
        )
    return wide if wide.any() else None


def _drop_unused(index: IndexArray, palette: _Palette) -> tuple[IndexArray, tuple[Tissue, ...]]:
    """Return the index and the tissues without those that no voxel has."""
    tissues = tuple(palette.tissues.values())
    used = [n for n in range(len(tissues)) if (index == n).any()]
    place = np.zeros(len(tissues), dtype=np.uint8)
    place[used] = np.arange(len(used), dtype=np.uint8)
    return look_up(place, index), tuple(tissues[n] for n in used)
