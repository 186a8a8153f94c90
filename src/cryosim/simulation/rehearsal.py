"""A few steps on a tiny grid: kernels are compiled or loaded, and can be timed."""

from __future__ import annotations

from cryosim_kernels import compile_in_two

from ..geometry import Grid
from ..plan import AnatomyPlan, Plan, Protocol
from ..probes import Probe, couple
from ..tissue import Tissue, TissueGrid
from .integrators import make_integrator, precision_of
from .run import Run
from .settings import Settings
from .state import build_state

__all__ = ["rehearse"]

# Freezes and bleeds, so that every kernel has something to do.
_TISSUE = Tissue(
    name="rehearsed",
    k_unfrozen_w_mk=0.5,
    k_frozen_w_mk=2.0,
    rho_c_unfrozen_j_m3k=3.6e6,
    rho_c_frozen_j_m3k=1.8e6,
    latent_heat_j_m3=2.5e8,
    solidus_c=-8.0,
    liquidus_c=-1.0,
    perfusion_1_s=1e-3,
)


def rehearse(settings: Settings, edge_mm: float = 9.0) -> Run:
    """Freeze the middle of a cube of 1 mm voxels for a second; return the finished run.

    On first use with the usual settings, kernels are compiled by two processes before.
    """
    if settings.integrator == "multirate":
        compile_in_two()
    grid = Grid.centered((edge_mm,) * 3, 1.0)
    probe = Probe(
        diameter_mm=1.5,
        active_length_mm=3.0,
        surface_c=-20.0,
        tip_mm=(0.0, 0.0, -2.0),
        entry_mm=(0.0, 0.0, edge_mm),
    )
    plan = Plan(
        anatomy=AnatomyPlan(phantom="uniform"),
        probe=(probe,),
        protocol=Protocol(text="freeze 1 s"),
    )
    tissue = TissueGrid.uniform(grid, _TISSUE)
    coupling = couple(grid, plan.needles)
    state, _ = build_state(
        tissue, coupling, plan.perfusion, plan.body, 1, precision=precision_of(settings)
    )
    integrator = make_integrator(settings, state)
    run = Run(tissue, plan, state, integrator, coupling, (0.0,), (), settings.course_every_s)
    run.go(lambda _: (0.0, 1.0))
    run.books.close()
    return run
