"""Hounsfield units that tissues show on a CT without contrast medium."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["HU_OF_TISSUE"]

# assumption: customary values, rounded; no primary source was read. They lie inside the windows by
# which cryosim.tissue tells tissues apart: fat -190 to -30, cancellous bone 150 to 500, cortical
# bone above 500, gas below -900.
HU_OF_TISSUE: Mapping[str, float] = MappingProxyType(
    {
        "soft-tissue": 45.0,
        "tumor": 45.0,
        "tumor-avascular": 45.0,
        "tumor-embolized": 45.0,
        "liver": 58.0,
        "kidney": 35.0,
        "pancreas": 40.0,
        "spleen": 50.0,
        "prostate": 40.0,
        "muscle": 55.0,
        "muscle-by-ct": 55.0,
        "heart": 45.0,
        "brain": 35.0,
        "spinal-cord": 35.0,
        "nerve": 30.0,
        "skin": 40.0,
        "cartilage": 100.0,
        "tendon": 90.0,
        "bowel-wall": 42.0,
        "stomach-wall": 42.0,
        "bladder-wall": 40.0,
        "fat": -100.0,
        "bone-marrow": -70.0,
        "bone-cortical": 1150.0,
        "bone-cancellous": 240.0,
        "lung": -820.0,
        "lung-inflated": -820.0,
        "blood": 42.0,
        "urine": 5.0,
        "saline": 5.0,
        "gel": 5.0,
        "bile": 8.0,
        "body-fluid": 10.0,
        "gas": -1000.0,
    }
)
