"""What waits, what runs and how long it took, for Prometheus: of the whole server, for the instance admin."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, Max, Min, QuerySet
from django.utils import timezone
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.models import User
from seatrial.control.forges import intake
from seatrial.control.forges.models import Delivery
from seatrial.control.outbox.queues import MESSAGE, queues
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.control.status.gauges import gauge
from seatrial.wire.states import DeploymentState, EnvironmentState, EvaluationState
from seatrial.wire.words import Phase

RECENT = timedelta(hours=1)
# Queues beside those of the outbox
DELIVERY, DEPLOYMENT, EVALUATION = "delivery", "deployment", "evaluation"
KINDS = (MESSAGE, *Instruction, DELIVERY, DEPLOYMENT, EVALUATION)
UNDER_WAY = (DeploymentState.QUEUED, DeploymentState.BUILDING, DeploymentState.STARTING)


@dataclass(frozen=True)
class _Waiting:
    count: int = 0
    failed: int = 0
    since: datetime | None = None


class Work(Collector):
    """Queues, previews, deployments, evaluations. Nothing for anybody but the instance admin."""

    def __init__(self, user: User) -> None:
        self._allowed = allowed(user, Action.MANAGE_AGENTS, None)

    def collect(self) -> Iterator[Metric]:
        """Every kind and state has a number, also where it is 0: an alert needs one."""
        if self._allowed:
            yield from _queues()
            yield from _states()
            yield from _phases()


def _queues() -> Iterator[Metric]:
    now = timezone.now()
    found = {row.kind: _Waiting(row.waiting, row.failed, row.since) for row in queues()}
    found[DELIVERY] = _waiting(intake.waiting(), "received_at")
    found[DEPLOYMENT] = _waiting(Deployment.objects.filter(state=DeploymentState.QUEUED), "created_at")
    found[EVALUATION] = _waiting(Evaluation.objects.filter(state=EvaluationState.QUEUED), "created_at")
    rows = [(kind, found.get(kind, _Waiting())) for kind in KINDS]
    yield gauge(
        "queue_waiting", "What waits in each queue.", (((k,), q.count) for k, q in rows), labels=("kind",)
    )
    yield gauge(
        "queue_failed",
        "What of it has been tried in vain.",
        (((k,), q.failed) for k, q in rows),
        labels=("kind",),
    )
    yield gauge(
        "queue_oldest_seconds",
        "For how long the oldest has waited; 0: nothing waits.",
        (((k,), max(0.0, (now - q.since).total_seconds()) if q.since else 0.0) for k, q in rows),
        labels=("kind",),
    )


def _waiting(rows: QuerySet[Deployment] | QuerySet[Evaluation] | QuerySet[Delivery], since: str) -> _Waiting:
    found = rows.aggregate(count=Count("pk"), since=Min(since))
    return _Waiting(found["count"], 0, found["since"])


def _states() -> Iterator[Metric]:
    previews = dict(Environment.objects.order_by().values_list("state").annotate(Count("pk")))
    yield gauge(
        "previews",
        "Previews in each state.",
        (((s,), previews.get(s, 0)) for s in EnvironmentState if s != EnvironmentState.TERMINATED),
        labels=("state",),
    )
    running = Deployment.objects.filter(state__in=UNDER_WAY).order_by().values_list("state")
    ended = Deployment.objects.filter(finished_at__gt=timezone.now() - RECENT).order_by().values_list("state")
    under_way, recent = dict(running.annotate(Count("pk"))), dict(ended.annotate(Count("pk")))
    yield gauge(
        "deployments",
        "Deployments that are under way, by state.",
        (((s,), under_way.get(s, 0)) for s in UNDER_WAY),
        labels=("state",),
    )
    yield gauge(
        "deployments_recent",
        "Deployments that ended within the last hour, by state.",
        (((s,), recent.get(s, 0)) for s in (DeploymentState.LIVE, DeploymentState.FAILED)),
        labels=("state",),
    )
    unfinished = Evaluation.objects.filter(state__in=(EvaluationState.QUEUED, EvaluationState.RUNNING))
    evaluations = dict(unfinished.order_by().values_list("state").annotate(Count("pk")))
    yield gauge(
        "evaluations",
        "Evaluations that wait or run.",
        (((s,), evaluations.get(s, 0)) for s in (EvaluationState.QUEUED, EvaluationState.RUNNING)),
        labels=("state",),
    )


def _phases() -> Iterator[Metric]:
    """Of the kinds of phases: which services there are is up to recipes."""
    rows = DeploymentPhase.objects.filter(started_at__gt=timezone.now() - RECENT, seconds__isnull=False)
    kinds: dict[Phase, list[tuple[int, float, float]]] = {}
    for name, *numbers in (
        rows.order_by().values_list("name").annotate(Count("pk"), Avg("seconds"), Max("seconds"))
    ):
        if (kind := Phase.of(name)) is not None:
            kinds.setdefault(kind, []).append((numbers[0], numbers[1], numbers[2]))
    counts = {kind: sum(count for count, _, _ in found) for kind, found in kinds.items()}
    yield gauge(
        "phases_recent",
        "Parts of deployments that ended within the last hour.",
        (((kind,), counts.get(kind, 0)) for kind in Phase),
        labels=("phase",),
    )
    yield gauge(
        "phase_seconds_mean",
        "How long they took, on average; missing where there was none.",
        (
            ((kind,), sum(count * mean for count, mean, _ in found) / counts[kind])
            for kind, found in sorted(kinds.items())
        ),
        labels=("phase",),
    )
    yield gauge(
        "phase_seconds_most",
        "How long the longest took; missing where there was none.",
        (((kind,), max(most for _, _, most in found)) for kind, found in sorted(kinds.items())),
        labels=("phase",),
    )
