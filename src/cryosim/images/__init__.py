"""Images in: NIfTI files and DICOM series become `Volume` and `Labels` in the LPS world.

So do lines drawn in 3D Slicer: `ProbeLine`. pydicom, nibabel and scipy are imported by the
functions that need them, on their first call.
"""

from .dicom_write import write_dicom_series
from .markups import ProbeLine, read_probe_lines, write_probe_lines
from .nifti import write_field, write_labels, write_volume
from .read import read_labels, read_volume
from .resample import check_overlap, occupancy, resample_field, resample_labels, resample_volume
from .volume import Labels, Modality, Position, Volume, label_values

__all__ = [
    "Labels",
    "Modality",
    "Position",
    "ProbeLine",
    "Volume",
    "check_overlap",
    "label_values",
    "occupancy",
    "read_labels",
    "read_probe_lines",
    "read_volume",
    "resample_field",
    "resample_labels",
    "resample_volume",
    "write_dicom_series",
    "write_field",
    "write_labels",
    "write_probe_lines",
    "write_volume",
]
