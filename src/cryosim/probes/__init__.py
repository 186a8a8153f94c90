"""Probes: the catalog with its sources, and how a thin probe meets a coarse grid."""

from .model import Probe, ProbeModel

__all__ = ["Probe", "ProbeModel"]
