"""A calibration for the terminal: what was found, and every observed number beside its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from ..studies import Calibration

__all__ = ["print_calibration"]


def print_calibration(found: Calibration, console: Console) -> None:
    """Print the parameters, a row for every observed number, and the sentence for the catalog."""
    parameters = (
        f"{key} = {value}{'' if key in found.fitted else ' (given)'}"
        for key, value in found.parameters.items()
    )
    console.print(f"{', '.join(parameters)}; {found.simulations} simulations", highlight=False)
    table = Table("of", "after, from", "observed", "simulated", "off by", "sigmas")
    for each in found.readings:
        moment, number = each.observation, each.number
        spread = "" if number.uncertainty is None else f" +- {number.uncertainty:g}"
        sigmas = each.residual_sigmas
        table.add_row(
            each.what,
            f"{moment.minutes:g} min, {moment.start_c:g} C",
            f"{number.value:.4g}{spread} {each.unit}",
            f"{each.simulated:.1f} {each.unit}",
            f"{_signed(each.residual)} {each.unit}",
            "" if sigmas is None else _signed(sigmas),
        )
    console.print(table)
    console.print(found.provenance, highlight=False, markup=False)


def _signed(value: float) -> str:
    # No "-0.0".
    return f"{round(value, 1) + 0.0:+.1f}"
