"""Probes: the catalog with its sources, and how a thin probe meets a coarse grid."""

from .catalog import citations, find_model, read_catalog
from .coupling import ProbeCoupling, couple, steady_potential
from .occupancy import axis_coordinates, probe_share
from .positions import check_inside, check_placement, needle_name
from .probe import Minutes, Needle, Point, Probe, Warmer
from .probe_model import ProbeModel

__all__ = [
    "Minutes",
    "Needle",
    "Point",
    "Probe",
    "ProbeCoupling",
    "ProbeModel",
    "Warmer",
    "axis_coordinates",
    "check_inside",
    "check_placement",
    "citations",
    "couple",
    "find_model",
    "needle_name",
    "probe_share",
    "read_catalog",
    "steady_potential",
]
