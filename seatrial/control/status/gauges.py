"""Gauges for Prometheus from plain values."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import GaugeMetricFamily


def gauge(
    name: str,
    says: str,
    rows: Iterable[tuple[Sequence[str], float | None]] = (),
    *,
    labels: Sequence[str] = (),
) -> GaugeMetricFamily:
    """One gauge. `rows`: the labels' values, and the number; where that is None, nothing is told."""
    made = GaugeMetricFamily(f"seatrial_{name}", says, labels=labels)
    for values, number in rows:
        if number is not None:
            made.add_metric([str(value) for value in values], number)
    return made
