"""Stored webhook deliveries, handled after they were acknowledged. Each in one transaction: all of it, or none."""

import time

import structlog
from django.db import transaction
from django.utils import timezone

from seatrial.control.forges import intake
from seatrial.control.forges.models import Delivery, DeliveryResult
from seatrial.control.forges.protocol import ForgeEvent, PullRequestChanged, Pushed, TagCreated
from seatrial.control.forges.registry import forge_of
from seatrial.control.policies import services as policies
from seatrial.control.previews import services as previews
from seatrial.control.projects.models import Project
from seatrial.control.projects.services import apply_pull_request, find_project
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away
from seatrial.control.worker.wakeups import Wakeups

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
BATCH = 50
MAX_ATTEMPTS = 5
RETRY_SECONDS = 2.0


class Deliveries:
    """Handles what the intake accepted, oldest first. One that fails is tried again later and holds nobody up."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """For ever: everything that waits, then sleep until notified."""
        while True:
            while await self._database.run(self.batch):
                pass
            await self._wakeups.wait(intake.CHANNEL, SWEEP_SECONDS)

    def batch(self) -> bool:
        """Handle what is due; True when there was something that no other worker has in hand."""
        now = time.monotonic()
        waiting = Delivery.objects.filter(handled_at=None, result=DeliveryResult.ACCEPTED)
        later = [key for key, due in self._not_before.items() if due > now]
        identities = list(waiting.exclude(pk__in=later).order_by("id").values_list("pk", flat=True)[:BATCH])
        return sum(self._attempt(identity) for identity in identities) > 0

    def _attempt(self, identity: str) -> bool:
        try:
            ours = handle(identity)
            self._not_before.pop(identity, None)
            return ours
        except Exception as error:
            if database_away(error):
                raise  # the database is away: that is not the delivery's fault
            log.warning("delivery failed", delivery=identity, exc_info=True)
            self._not_before[identity] = time.monotonic() + RETRY_SECONDS
            if record_failure(identity, error):
                self._not_before.pop(identity, None)
            return True


@transaction.atomic
def handle(identity: str) -> bool:
    """Do what one delivery asks for, and say so in its outcome; False when another worker has it.

    Idempotent; raises to have it tried again.
    """
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",)).select_related("connection")
    delivery = rows.filter(pk=identity, handled_at=None).first()
    if delivery is None:
        return False
    delivery.outcome = _outcome(delivery)
    delivery.attempts += 1
    delivery.handled_at = timezone.now()
    delivery.save(update_fields=["outcome", "attempts", "handled_at"])
    return True


@transaction.atomic
def record_failure(identity: str, error: Exception) -> bool:
    """Count the attempt; the MAX_ATTEMPTSth is the last (True)."""
    delivery = Delivery.objects.select_for_update().get(pk=identity)
    delivery.attempts += 1
    over = delivery.attempts >= MAX_ATTEMPTS
    delivery.outcome = f"{'gave up' if over else 'failed'} after {delivery.attempts} attempts: {error}"
    if over:
        delivery.handled_at = timezone.now()
    delivery.save(update_fields=["attempts", "outcome", "handled_at"])
    return over


def _outcome(delivery: Delivery) -> str:
    event = forge_of(delivery.connection).parse(delivery.event, bytes(delivery.body))
    if event is None:
        return "ignored: nothing to do for this event"
    project = find_project(delivery.connection, event.external_id)
    if project is None:
        return f"ignored: no project is connected to repository {event.external_id}"
    if isinstance(event, PullRequestChanged):
        return pull_request_changed(project, event, delivery)
    return _evaluate_ref(project, event)


def pull_request_changed(
    project: Project, event: PullRequestChanged, delivery: Delivery | None = None
) -> str:
    """Apply news of a pull request: its preview and its evaluation, in the caller's transaction."""
    pull_request = apply_pull_request(project, event)
    if pull_request is None:
        return f"ignored: pull request {event.number} is known in a newer state"
    received_at = delivery.received_at if delivery is not None else timezone.now()
    outcome = previews.pull_request_changed(pull_request, received_at=received_at)
    if pull_request.state == "closed":
        policies.supersede(pull_request)
        return outcome
    evaluation = policies.evaluate(
        project,
        commit=pull_request.head_sha,
        ref=f"refs/heads/{pull_request.branch}",
        event="pull_request",
        pull_request=pull_request,
    )
    return f"{outcome}; {_said(evaluation.pk if evaluation else None)}"


def _evaluate_ref(project: Project, event: ForgeEvent) -> str:
    if isinstance(event, Pushed):
        kind = "push"
    elif isinstance(event, TagCreated):
        kind = "tag"
    else:
        return "ignored: nothing to do for this event"
    evaluation = policies.evaluate(project, commit=event.commit, ref=event.ref, event=kind)
    return _said(evaluation.pk if evaluation else None)


def _said(evaluation: str | None) -> str:
    return f"evaluation {evaluation}" if evaluation else "no policy applies"
