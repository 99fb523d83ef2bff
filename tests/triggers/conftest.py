from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.worker import errands
from seatrial.control.worker.aside import Aside
from seatrial.control.worker.database import Database
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import RunEvaluation
from tests.triggers.hosted import connection, site, source, team, which

__all__ = ["connection", "site", "source", "team", "which"]  # fixtures


@pytest.fixture
def forges() -> Forges:
    return Forges()


@pytest.fixture
def lanes(forges: Forges) -> Callable[[], None]:
    """See `lanes_of`."""
    return lanes_of(forges)


def lanes_of(forges: Forges) -> Callable[[], None]:
    """Everything that is due in the lanes that ask forges, as the worker does it."""
    of_forges = (
        errands.confirmations,
        errands.commands,
        errands.checks,
        errands.facts,
        errands.reports,
        errands.comments,
        errands.webhooks,
    )
    all_of_them = [
        (outbox.channel(errand.instruction), Aside(Database(1), Wakeups([]), errand))
        for errand in (errands.follows(), *(make(forges) for make in of_forges))
    ]

    def run() -> None:
        due = outbox.due_channels()  # one look, instead of one by each lane that has nothing to do
        for channel, lane in all_of_them:
            if channel in due:
                while lane.one():
                    pass
                due = outbox.due_channels()

    return run


def jobs() -> list[RunEvaluation]:
    rows = OutboxMessage.objects.filter(subject__startswith="seatrial.jobs.").order_by("id")
    messages = [Envelope.model_validate(row.body).open() for row in rows]
    assert all(isinstance(job, RunEvaluation) for job in messages)
    return messages  # type: ignore[return-value]


def waiting(instruction: outbox.Instruction) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(subject=instruction, published_at=None))


def wait_is_over() -> None:
    OutboxMessage.objects.filter(published_at=None).update(due_at=timezone.now() - timedelta(seconds=1))
