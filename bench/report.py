"""Prints the table of measurements, and computes their ratios to the floor."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.timing import Measurement

Ratios = Sequence[tuple[str, str]]  # (ours, floor): the first median is divided by the second


def ratios(measurements: Sequence[Measurement], pairs: Ratios) -> dict[str, float]:
    """{measurement: its ratio to the floor} for every pair that was measured."""
    medians = {m.name: m.median for m in measurements}
    return {
        f"{ours} / {floor}": round(medians[ours] / medians[floor], 2)
        for ours, floor in pairs
        if ours in medians and floor in medians
    }


def show(measurements: Sequence[Measurement], pairs: Ratios) -> None:
    """Print the table."""
    console = Console()
    table = Table("measurement", "median", "least", "most", "unit", "runs", title="What Seatrial costs")
    for m in measurements:
        low, high = min(m.values), max(m.values)
        table.add_row(m.name, f"{m.median:.2f}", f"{low:.2f}", f"{high:.2f}", m.unit, str(len(m.values)))
    console.print(table)
    for what, ratio in ratios(measurements, pairs).items():
        console.print(f"  {ratio:6.2f} x  {what}", soft_wrap=True)
