"""The energy ledger of a run with everything in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

from cryosim.simulation import EnergyLedger, Settings, simulate
from evidence import Case, Check, Evidence
from verification.boxes import everything_box, everything_plan
from verification.marching import COLORS

Run = tuple[str, Literal["rkl2", "explicit"], Literal["held", "insulated"]]

RUNS: tuple[Run, ...] = (
    ("multirate, outer faces held", "multirate", "held"),
    ("multirate, outer faces insulated", "multirate", "insulated"),
    ("RKL2, outer faces held", "rkl2", "held"),
    ("explicit, outer faces held", "explicit", "held"),
)
TERMS = {
    "probe_heat_out_j": "taken out by needles",
    "sensible_j": "sensible",
    "latent_j": "latent",
    "blood_j": "blood",
    "metabolism_j": "metabolism",
    "vessels_j": "vessels",
    "air_j": "air",
    "protection_j": "irrigation",
    "boundary_j": "outer faces",
}


def study(runs: Sequence[Run] = RUNS) -> Evidence:
    ledgers = []
    for _, integrator, faces in runs:
        settings = Settings(integrator=integrator)
        content = everything_plan(body={"outer_faces": faces})
        ledgers.append(simulate(everything_box(), content, settings).energy)
    checks = [
        Check(f"{name}: what does not add up over the largest term", ledger.relative_error, 0, 1e-6)
        for (name, *_), ledger in zip(runs, ledgers, strict=True)
    ]
    smallest = min(abs(value) for value in asdict(ledgers[0]).values())
    checks.append(Check("smallest term, so that all take part", smallest, 1.0, None, "J"))
    rows = tuple(
        (label, *(f"{getattr(ledger, key):.2f}" for ledger in ledgers))
        for key, label in TERMS.items()
    )
    gaps = ("relative error", *(f"{ledger.relative_error:.1e}" for ledger in ledgers))
    header = ("term, J", *(name for name, *_ in runs))
    return Evidence(tuple(checks), header, (*rows, gaps), lambda figure: _draw(figure, ledgers[0]))


def _draw(figure: Any, ledger: EnergyLedger) -> None:
    panel = figure.subplots()
    values = [getattr(ledger, key) for key in TERMS]
    panel.barh(list(TERMS.values()), values, color=COLORS[1])
    panel.axvline(0.0, color="black", linewidth=1)
    panel.set_xlabel("heat over the whole protocol, J")
    panel.set_title(RUNS[0][0])


CASES = (
    Case(
        name="energy-ledger",
        title="Energy ledger of a run with everything in it",
        kind="verification",
        equation=(
            "Change of `sum H dV` = heat given by blood, metabolism, vessels, air, irrigation and "
            "outer faces, less what the needles take out. Each is summed on its own, the heat "
            "terms with the weights of the integrator's stages."
        ),
        setup=(
            "48 x 44 x 40 mm at 2 mm: organ that follows the law of ice, perfused and with "
            "metabolism; fat; gas; a vessel behind a film; held irrigation; room air. Two oblique "
            "probes, one limited in power, one driven by gas at 80 % duty, both with an active "
            "thaw; a warmer. Freeze 3 min, thaw 1 min active, freeze 1 min, thaw 1 min."
        ),
        source="Conservation of energy.",
        run=study,
    ),
)
