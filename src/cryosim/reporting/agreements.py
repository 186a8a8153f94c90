"""How well two shapes agree, in words and in numbers of a file."""

from __future__ import annotations

from ..evaluation import Agreement

__all__ = ["agreement_numbers", "agreement_rows", "percent_more"]


def agreement_numbers(found: Agreement) -> dict[str, float]:
    """Return Dice and distances by their names in files."""
    return {
        "dice": found.dice,
        "mean_mm": found.mean_mm,
        "p95_mm": found.p95_mm,
        "max_mm": found.max_mm,
        "mean_signed_mm": found.mean_signed_mm,
    }


def agreement_rows(found: Agreement) -> tuple[tuple[str, str], ...]:
    """Return the rows of a table; the signed distance has words of its own."""
    return (
        ("Dice", f"{found.dice:.3f}"),
        ("surface distance, mean", f"{found.mean_mm:.2f} mm"),
        ("surface distance, 95 %", f"{found.p95_mm:.2f} mm"),
        ("surface distance, largest (Hausdorff)", f"{found.max_mm:.2f} mm"),
    )


def percent_more(share: float) -> str:
    """Write a relative difference."""
    return f"{100 * share:+.1f} %"
