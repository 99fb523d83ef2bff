"""REST: numbers for Prometheus. Each scrape reads them from the database, so every web process tells the same."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.forges.budget_answers import UNKNOWN, budgets
from seatrial.control.projects.models import Connection
from seatrial.control.status.certificates import Certificates
from seatrial.control.status.drifts import Drifts
from seatrial.control.status.hosts import Hosts
from seatrial.control.status.work import Work

router = Router(tags=["status"])
OF_CONNECTION = ("connection", "forge", "name", "installation")
TEXT = {"200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.get(
    "/metrics", response={200: None}, openapi_extra={"responses": TEXT}, summary="Numbers for Prometheus"
)
def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format, of everything that you may manage: its `authorization` is an API token."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Budgets(person(request)))
    registry.register(Drifts(person(request)))
    registry.register(Certificates(person(request)))
    registry.register(Work(person(request)))
    registry.register(Hosts(person(request)))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Budgets(Collector):
    """The budgets of the connections that `user` may manage."""

    def __init__(self, user: User) -> None:
        self._user = user

    def collect(self) -> Iterator[Metric]:
        """One gauge each for what is left, what there is, and how long nothing may be asked."""
        left = GaugeMetricFamily(
            "seatrial_forge_requests_left", "Requests that the forge still accepts.", labels=OF_CONNECTION
        )
        most = GaugeMetricFamily(
            "seatrial_forge_requests_most", "Requests that it accepts in a period.", labels=OF_CONNECTION
        )
        paused = GaugeMetricFamily(
            "seatrial_forge_paused_seconds",
            "For how long it wants to be asked nothing.",
            labels=OF_CONNECTION,
        )
        for row in visible(self._user, Connection).prefetch_related("budgets").order_by("id"):
            for known in budgets(row) or [UNKNOWN]:
                labels = (row.pk, row.forge, row.name, known.installation)
                if known.left is not None:
                    left.add_metric(labels, known.left)
                if known.most is not None:
                    most.add_metric(labels, known.most)
                until = known.paused_until
                paused.add_metric(labels, (until - timezone.now()).total_seconds() if until else 0.0)
        yield from (left, most, paused)
