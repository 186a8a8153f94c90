"""Images in: NIfTI files and DICOM series become `Volume` and `Labels` in the LPS world."""

from .volume import Labels, Volume

__all__ = ["Labels", "Volume"]
