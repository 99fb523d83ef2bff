"""Messages that commit with the state change they announce, and the queue of them.

`publish` and its kin write a row in the caller's transaction: rolled back, it was never said; committed, it is
published at least once, however often web and worker die. NOTIFY wakes the worker's relay at commit; a sweep
finds what a missed notification left.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from seatrial.control.outbox.models import OutboxMessage
from seatrial.wire.envelope import Envelope, Message, new_id

CHANNEL = "seatrial_outbox"
KEPT_AFTER_PUBLICATION = timedelta(hours=1)


class Instruction(StrEnum):
    """Rows that are not a subject of the bus: what the relay must do there."""

    DESIRED = "desired"  # {environment}: compute the desired state now and put it, or delete it
    BUCKET = "bucket"  # {agent}: make the bucket of a new agent
    REVOKE = "revoke"  # {public_key}: cut a user off
    REPORT = "report"  # {deployment} or {evaluation}: tell the forge


def publish(subject: str, message: Message, *, workspace: str, about: str) -> Envelope:
    """Say `message` on `subject` once the caller's transaction commits. Raises MalformedMessage when too big."""
    envelope = Envelope.wrap(message, workspace=workspace, about=about)
    envelope.encode()
    _write(envelope.id, subject, envelope.model_dump(mode="json"))
    return envelope


def changed_environment(environment_id: str) -> None:
    """The desired state of this environment is another once the caller's transaction commits."""
    _write(new_id(), Instruction.DESIRED, {"environment": environment_id})


def instruct(instruction: Instruction, **body: str) -> None:
    """Have the relay do something on the bus once the caller's transaction commits."""
    _write(new_id(), instruction, body)


def relay(send: Callable[[OutboxMessage], None], *, limit: int = 100) -> int:
    """Give up to `limit` unpublished rows to `send`, oldest first, and mark those it accepted.

    Rows stay locked meanwhile, so several relays share the queue without doing a row twice. When `send` raises,
    what went before is marked, the rest waits for the next call, and the error is raised again. Returns how many
    were published.
    """
    failure: Exception | None = None
    sent: list[str] = []
    with transaction.atomic():
        rows = OutboxMessage.objects.select_for_update(skip_locked=True).filter(published_at=None)
        for row in rows.order_by("id")[:limit]:
            try:
                send(row)
            except Exception as error:
                failure = error
                break
            sent.append(row.pk)
        OutboxMessage.objects.filter(pk__in=sent).update(published_at=timezone.now())
    if failure is not None:
        raise failure
    return len(sent)


def prune() -> int:
    """Delete rows published long enough ago; returns how many."""
    horizon = timezone.now() - KEPT_AFTER_PUBLICATION
    return OutboxMessage.objects.filter(published_at__lt=horizon).delete()[0]


def _write(identity: str, subject: str, body: dict[str, Any]) -> None:
    OutboxMessage.objects.create(id=identity, subject=subject, body=body)
    with connection.cursor() as cursor:  # delivered at commit, and folded into one per transaction
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
