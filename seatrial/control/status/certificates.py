"""The certificates that the ingress serves, for Prometheus."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import User
from seatrial.control.certificates.models import Served
from seatrial.control.certificates.states import CertificateState, state_of


class Certificates(Collector):
    """Those that `user` may look at: the instance admin alone."""

    def __init__(self, user: User) -> None:
        self._user = user

    def collect(self) -> Iterator[Metric]:
        """When each expires, and for every state whether it is in it."""
        expires = GaugeMetricFamily(
            "seatrial_certificate_expires_seconds",
            "When the certificate that the ingress serves expires, in seconds since 1970.",
            labels=("name",),
        )
        states = GaugeMetricFamily(
            "seatrial_certificate_state",
            "1 for the state that the certificate is in, 0 for all others.",
            labels=("name", "state"),
        )
        for row in visible(self._user, Served).order_by("name"):
            if row.not_after is not None:
                expires.add_metric((row.name,), row.not_after.timestamp())
            now = state_of(row, timezone.now())
            for state in CertificateState:
                states.add_metric((row.name, state), float(state is now))
        yield from (expires, states)
