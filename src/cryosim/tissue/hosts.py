"""Tumors take the blood flow of the organ that they lie in.

Nothing was found on the flow of tumors while they freeze. What is around them decides how far ice
gets beyond them, and what feeds them; see docs/physics.md.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from .tissue_grid import Tissue, TissueGrid

__all__ = ["HOST", "ORGAN_FLOW_1_S", "flow_from_hosts"]

HOST = "host"  # in `Tissue.flow_of`: the organ that it lies in

# An organ is what has at least so much flow; it is the host where it covers so much of the surface
# of a tumor, also where fat or muscle covers more: one that bulges out of a kidney is fed by it.
ORGAN_FLOW_1_S = 3e-3
_COVERED = 0.1
# Metabolism goes with flow, so that resting tissue stays at blood temperature.
_TAKEN = ("perfusion_1_s", "metabolism_w_m3")


def flow_from_hosts(tissue: TissueGrid) -> TissueGrid:
    """Give each tumor in one piece the flow of its host, and say so.

    Parameters
    ----------
    tissue : its tissues with `flow_of` "host" are the tumors.

    Returns
    -------
    TissueGrid
        With a tissue more for each host; tumors without one (nothing with blood touches them) keep
        the flow of their row.
    """
    from scipy import ndimage

    if all(known.flow_of != HOST for known in tissue.tissues):
        return tissue
    index, tissues, notes = tissue.index.copy(), list(tissue.tissues), []
    for number, tumor in enumerate(tissue.tissues):
        if tumor.flow_of != HOST:
            continue
        places: dict[str, int] = {}
        pieces, _ = ndimage.label(tissue.index == number)
        for piece, box in enumerate(ndimage.find_objects(pieces), start=1):
            around = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
            inside = pieces[around] == piece
            host, share = _host(tissue.tissues, tissue.index[around], inside)
            name = "" if host is None else host.name
            if name not in places:
                places[name] = len(tissues) if places else number
                tissues[places[name] :] = [_fed_by(tumor, host), *tissues[places[name] + 1 :]]
                notes.append(_words(tumor, host, share))
            index[around][inside] = places[name]
    return dataclasses.replace(
        tissue,
        index=index,
        tissues=tuple(tissues),
        assumptions=(*tissue.assumptions, *notes),
    )


def _host(
    tissues: tuple[Tissue, ...], index: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> tuple[Tissue | None, float]:
    """Return the tissue in which voxels lie, and how much of their surface it covers."""
    faces = np.zeros(len(tissues))
    for axis in range(3):
        lying, known = np.moveaxis(inside, axis, 0), np.moveaxis(index, axis, 0)
        for mine, other in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            beyond = known[other][lying[mine] & ~lying[other]]
            faces += np.bincount(beyond, minlength=len(tissues))
    flows = np.array([0.0 if each.heat_sink else each.perfusion_1_s for each in tissues])
    own = np.array([each.flow_of == HOST for each in tissues])
    shares = np.where((flows > 0) & ~own, faces, 0.0) / max(faces.sum(), 1.0)
    organs = np.where((flows >= ORGAN_FLOW_1_S) & (shares >= _COVERED), shares, 0.0)
    number = int(np.argmax(organs if organs.any() else shares))
    return (tissues[number], float(shares[number])) if shares[number] > 0 else (None, 0.0)


def _fed_by(tumor: Tissue, host: Tissue | None) -> Tissue:
    """Return the tumor with the flow and metabolism of a host."""
    share = tumor.host_flow_share
    if host is None:
        taken = {key: share * getattr(tumor, key) for key in _TAKEN}
        return dataclasses.replace(tumor, **taken, flow_of="")
    least, most = tumor.ranges.get("host_flow_share", (share, share))
    whose = f"that of {host.name}, in which the tumor lies"
    part = "" if share == 1.0 else f"{100 * share:.0f} % of "
    sources = {
        key: f"assumption: {part}{whose}; there {host.sources[key]}"
        for key in _TAKEN
        if key in host.sources
    }
    ranges = {key: found for key, found in tumor.ranges.items() if key not in _TAKEN}
    if "perfusion_1_s" in host.ranges:
        low, high = host.ranges["perfusion_1_s"]
        ranges["perfusion_1_s"] = (least * low, most * high)
    return dataclasses.replace(
        tumor,
        **{key: share * getattr(host, key) for key in _TAKEN},
        flow_of=host.name,
        sources={**tumor.sources, **sources},
        ranges=ranges,
    )


def _words(tumor: Tissue, host: Tissue | None, share: float) -> str:
    if host is None:
        return (
            f"no tissue with blood touches the {tumor.name}: its flow is "
            f"{tumor.perfusion_1_s:.2g} 1/s"
        )
    flow = tumor.host_flow_share
    part = "the" if flow == 1.0 else f"{100 * flow:.0f} % of the"
    return (
        f"the {tumor.name} has {part} blood flow of {host.name}, "
        f"{flow * host.perfusion_1_s:.2g} 1/s, which covers {100 * share:.0f} % of its surface; "
        "tumor-avascular and tumor-embolized have less, see anatomy.tissues"
    )
