"""A phantom as files: what a user's own case looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryosim.errors import InputError
from cryosim.files import filling, replacing
from cryosim.images import write_dicom_series, write_labels, write_volume

from .phantom import Phantom
from .plan_text import plan_as_toml

__all__ = ["write_phantom"]

_IMAGE, _LABELS, _DICOM = "ct.nii.gz", "labels.nii.gz", "dicom"
_PLAN, _DICOM_PLAN = "plan.toml", "plan-dicom.toml"


def write_phantom(phantom: Phantom, folder: str | Path) -> list[Path]:
    """Write CT and labels as NIfTI, the CT as a DICOM series, and a plan for each of both.

    Everything is written or nothing.

    Parameters
    ----------
    folder : made when missing; must be empty.

    Returns
    -------
    list of Path
        ct.nii.gz, labels.nii.gz, the folder dicom, plan.toml and plan-dicom.toml.

    Raises
    ------
    InputError
        When the folder holds files or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists and is not an empty folder; choose another one")
    with filling(folder) as partial:
        write_volume(phantom.volume, partial / _IMAGE)
        write_labels(phantom.labels, partial / _LABELS)
        write_dicom_series(phantom.volume, partial / _DICOM, f"cryosim phantom {phantom.name}")
        # A NIfTI file does not say what scanner it comes from; DICOM does.
        nifti = {"image": _IMAGE, "modality": phantom.volume.modality}
        for name, image in ((_PLAN, nifti), (_DICOM_PLAN, {"image": _DICOM})):
            with replacing(partial / name) as plan:
                plan.write_text(_plan_text(phantom, name, image), encoding="utf-8")
    return [folder / name for name in (_IMAGE, _LABELS, _DICOM, _PLAN, _DICOM_PLAN)]


def _plan_text(phantom: Phantom, name: str, image: dict[str, str]) -> str:
    anatomy: dict[str, Any] = {**image, "labels": _LABELS, **phantom.plan.get("anatomy", {})}
    others = {key: content for key, content in phantom.plan.items() if key != "anatomy"}
    heading = (
        f"cryosim phantom '{phantom.name}': {phantom.description}.\n"
        f"Run it with: cryosim run {name}\n"
        "A made-up case for research software; not a patient, not a treatment plan."
    )
    return plan_as_toml({"anatomy": anatomy, **others}, heading)
