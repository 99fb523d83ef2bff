"""Handles stored webhook deliveries, after they were acknowledged. Each is handled in one transaction."""

import time

import structlog
from django.db import transaction
from django.utils import timezone

from seatrial.control.forges import intake
from seatrial.control.forges.models import Attempt, Delivery, Ending
from seatrial.control.log_lines import about
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.triggers.events import outcome
from seatrial.control.worker.database import Database
from seatrial.control.worker.late import HANDLED, end_late
from seatrial.control.worker.supervision import database_away
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.counted import counted

log = structlog.get_logger(__name__)

BATCH = 50
MANY = 10  # waiting deliveries for which it is worthwhile to end the late ones together
MAX_ATTEMPTS = 5
RETRY_SECONDS = 2.0


class Deliveries:
    """Handles accepted deliveries, oldest first. One that fails is tried again later, and the others go on.

    When many wait, those that are late by now are ended together, before the others are handled one by one.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Runs for ever: handles everything that waits, then sleeps until a notification or `Due` wakes it."""
        woken = self._wakeups.waiter(intake.CHANNEL)
        while True:
            while await self._database.run(self.batch):
                pass
            await woken.wait()

    def batch(self) -> bool:
        """Handle deliveries that are due; True when there was one that no other worker handles."""
        now = time.monotonic()
        later = [key for key, due in self._not_before.items() if due > now]
        identities = list(
            intake.waiting().exclude(pk__in=later).order_by("id").values_list("pk", flat=True)[:BATCH]
        )
        late = end_late(identities) if len(identities) >= MANY else set()
        handled = [self._attempt(identity) for identity in identities if identity not in late]
        return bool(late) or any(handled)

    def _attempt(self, identity: str) -> bool:
        try:
            with about({"delivery": identity}):
                ours = handle(identity)
            self._not_before.pop(identity, None)
            return ours
        except Exception as error:
            if database_away(error):
                raise  # the database is away: the delivery is not the cause
            log.warning("delivery failed", delivery=identity, exc_info=True)
            self._not_before[identity] = time.monotonic() + RETRY_SECONDS
            if record_failure(identity, error):
                self._not_before.pop(identity, None)
            return True


@refs_are_matched
@transaction.atomic
def handle(identity: str) -> bool:
    """Handle one delivery, and store its outcome; False when another worker handles it.

    Idempotent. If it raises, the delivery is tried again.
    """
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",)).select_related("connection")
    delivery = rows.filter(pk=identity, handled_at=None).first()
    if delivery is None:
        return False
    delivery.outcome = outcome(delivery)
    delivery.attempts += 1
    delivery.handled_at = timezone.now()
    delivery.save(update_fields=HANDLED)
    _remember(delivery, failed=False)
    return True


def _remember(delivery: Delivery, *, failed: bool) -> None:
    Attempt.objects.create(
        delivery=delivery, failed=failed, outcome=delivery.outcome, by=delivery.replayed_by
    )


@transaction.atomic
def record_failure(identity: str, error: Exception) -> bool:
    """Count a failed attempt; True when it was the last one (MAX_ATTEMPTS)."""
    delivery = Delivery.objects.select_for_update().get(pk=identity)
    delivery.attempts += 1
    over = delivery.attempts >= MAX_ATTEMPTS
    tried = counted(delivery.attempts, "attempt")
    delivery.outcome = f"{'gave up' if over else 'failed'} after {tried}: {error}"
    if over:
        delivery.handled_at = timezone.now()
        delivery.ending = Ending.GIVEN_UP
    delivery.save(update_fields=["attempts", "outcome", "handled_at", "ending"])
    _remember(delivery, failed=True)
    return over
