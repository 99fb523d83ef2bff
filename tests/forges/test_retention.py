from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.forges import retention
from seatrial.control.forges.models import Delivery
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.projects.models import Connection
from seatrial.control.worker import retention as everything
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def stored(connection: Connection, count: int, result: str = "rejected (signature)") -> list[str]:
    made = [make.delivery(connection, result=result, delivery_id=f"{result} {n}") for n in range(count)]
    return [delivery.pk for delivery in made]


def left(connection: Connection) -> set[str]:
    return set(Delivery.objects.filter(connection=connection).values_list("pk", flat=True))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "REJECTED_KEPT", 3)


def test_a_flood_of_rejected_deliveries_leaves_the_newest(connection: Connection, few: None) -> None:
    accepted = stored(connection, 5, "accepted")
    flood = stored(connection, 4) + stored(connection, 6, "rejected (parse)")
    elsewhere = make.connection(connection.workspace)
    quiet = stored(elsewhere, 3)
    assert retention.prune(timezone.now()) == 7
    assert left(connection) == {*accepted, *sorted(flood)[-3:]}
    assert left(elsewhere) == set(quiet)
    assert retention.prune(timezone.now()) == 0


def test_what_is_older_than_thirty_days_goes_whatever_it_was(connection: Connection) -> None:
    old, young = stored(connection, 2, "accepted")
    rejected = stored(connection, 1)
    Delivery.objects.filter(pk__in=[old, *rejected]).update(
        received_at=timezone.now() - timedelta(days=30, minutes=1)
    )
    Delivery.objects.filter(pk=young).update(received_at=timezone.now() - timedelta(days=29))
    assert retention.prune(timezone.now()) == 2
    assert left(connection) == {young}


def test_one_sweep_prunes_deliveries_and_the_outbox(connection: Connection, few: None) -> None:
    stored(connection, 4)
    outbox.instruct(Instruction.REPORT, pull_request="published long ago")
    OutboxMessage.objects.update(published_at=timezone.now() - timedelta(hours=2))
    outbox.instruct(Instruction.REPORT, pull_request="waiting")
    everything.prune()
    assert Delivery.objects.count() == 3
    assert [row.body["pull_request"] for row in OutboxMessage.objects.all()] == ["waiting"]
