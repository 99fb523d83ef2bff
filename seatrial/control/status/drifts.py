"""The number of repaired drifts for Prometheus."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import User
from seatrial.control.forges.models import DriftTotal


class Drifts(Collector):
    """The drifts of the connections that `user` may manage, since they were made."""

    def __init__(self, user: User) -> None:
        self._user = user

    def collect(self) -> Iterator[Metric]:
        """One counter, by connection and kind."""
        repaired = CounterMetricFamily(
            "seatrial_drift_repaired",
            "Changes at the forge that no webhook told, and that were found by asking it.",
            labels=("connection", "kind"),
        )
        for row in visible(self._user, DriftTotal).order_by("connection", "kind"):
            repaired.add_metric((row.connection_id, row.kind), row.count)
        yield repaired
