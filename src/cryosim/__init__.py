"""cryosim: the cryoablation iceball simulator. Research software, not a medical device.

The main job in seven lines::

    plan = cryosim.read_plan("plan.toml")
    tissue = cryosim.place_anatomy(cryosim.read_anatomy(plan), plan)
    result = cryosim.simulate(tissue, plan)
    result = cryosim.vary_tissues(result)
    report = cryosim.evaluate(result)
    cryosim.save_result(result, "result.vtkhdf")
    cryosim.show(result).show()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .anatomy import Anatomy, place_anatomy, read_anatomy
    from .errors import InputError
    from .evaluation import Report, citations, evaluate
    from .exports import Exported, export_result
    from .geometry import Grid
    from .images import (
        Labels,
        ProbeLine,
        Volume,
        read_labels,
        read_probe_lines,
        read_volume,
        write_probe_lines,
    )
    from .pictures import (
        plot_course,
        plot_growth,
        plot_histogram,
        plot_margin,
        plot_margin_map,
        plot_sensors,
        plot_slices,
    )
    from .plan import Goal, Plan, Protocol, Stage, move_probes, probe_lines, read_plan
    from .planning import optimize, shortest_protocol, vary_tissues
    from .probes import Probe
    from .reporting import (
        print_report,
        write_batch,
        write_comparison,
        write_html_report,
        write_pdf_report,
        write_report,
        write_result,
        write_seen,
    )
    from .results import load_result, save_result
    from .scene import show
    from .simulation import Callback, Result, Settings, simulate
    from .studies import (
        Batch,
        Calibration,
        Comparison,
        Iceball,
        SeenComparison,
        SurfaceTemperature,
        benchmark,
        calibrate,
        compare_masks,
        compare_results,
        compare_with_seen,
    )
    from .tissue import Tissue, TissueGrid, build_tissue, read_library

# Name to module; loaded on first use, so that `import cryosim` stays fast.
_PUBLIC = {
    "Anatomy": "anatomy",
    "Batch": "studies",
    "Calibration": "studies",
    "Callback": "simulation",
    "Comparison": "studies",
    "Exported": "exports",
    "Goal": "plan",
    "Grid": "geometry",
    "Iceball": "studies",
    "InputError": "errors",
    "Labels": "images",
    "Plan": "plan",
    "Probe": "probes",
    "ProbeLine": "images",
    "Protocol": "plan",
    "Report": "evaluation",
    "Result": "simulation",
    "SeenComparison": "studies",
    "Settings": "simulation",
    "Stage": "plan",
    "SurfaceTemperature": "studies",
    "Tissue": "tissue",
    "TissueGrid": "tissue",
    "Volume": "images",
    "benchmark": "studies",
    "build_tissue": "tissue",
    "calibrate": "studies",
    "citations": "evaluation",
    "compare_masks": "studies",
    "compare_results": "studies",
    "compare_with_seen": "studies",
    "evaluate": "evaluation",
    "export_result": "exports",
    "load_result": "results",
    "move_probes": "plan",
    "optimize": "planning",
    "shortest_protocol": "planning",
    "place_anatomy": "anatomy",
    "plot_course": "pictures",
    "plot_growth": "pictures",
    "plot_histogram": "pictures",
    "plot_margin": "pictures",
    "plot_margin_map": "pictures",
    "plot_sensors": "pictures",
    "plot_slices": "pictures",
    "print_report": "reporting",
    "probe_lines": "plan",
    "read_anatomy": "anatomy",
    "read_labels": "images",
    "read_library": "tissue",
    "read_plan": "plan",
    "read_probe_lines": "images",
    "read_volume": "images",
    "save_result": "results",
    "show": "scene",
    "simulate": "simulation",
    "vary_tissues": "planning",
    "write_batch": "reporting",
    "write_comparison": "reporting",
    "write_html_report": "reporting",
    "write_pdf_report": "reporting",
    "write_probe_lines": "images",
    "write_report": "reporting",
    "write_result": "reporting",
    "write_seen": "reporting",
}

__all__ = [
    "Anatomy",
    "Batch",
    "Calibration",
    "Callback",
    "Comparison",
    "Exported",
    "Goal",
    "Grid",
    "Iceball",
    "InputError",
    "Labels",
    "Plan",
    "Probe",
    "ProbeLine",
    "Protocol",
    "Report",
    "Result",
    "SeenComparison",
    "Settings",
    "Stage",
    "SurfaceTemperature",
    "Tissue",
    "TissueGrid",
    "Volume",
    "__version__",
    "benchmark",
    "build_tissue",
    "calibrate",
    "citations",
    "compare_masks",
    "compare_results",
    "compare_with_seen",
    "evaluate",
    "export_result",
    "load_result",
    "move_probes",
    "optimize",
    "place_anatomy",
    "plot_course",
    "plot_growth",
    "plot_histogram",
    "plot_margin",
    "plot_margin_map",
    "plot_sensors",
    "plot_slices",
    "print_report",
    "probe_lines",
    "read_anatomy",
    "read_labels",
    "read_library",
    "read_plan",
    "read_probe_lines",
    "read_volume",
    "save_result",
    "shortest_protocol",
    "show",
    "simulate",
    "vary_tissues",
    "write_batch",
    "write_comparison",
    "write_html_report",
    "write_pdf_report",
    "write_probe_lines",
    "write_report",
    "write_result",
    "write_seen",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module 'cryosim' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
