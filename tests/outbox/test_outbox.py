import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import MalformedMessage
from seatrial.wire.evaluations import EvaluationFinished, EvaluationStarted

pytestmark = [pytest.mark.postgres]


def say(text: str) -> str:
    return outbox.publish("s", EvaluationStarted(evaluation=text), workspace="w", about="a").id


@pytest.mark.django_db
def test_the_row_is_the_envelope() -> None:
    identity = say("one")
    envelope = Envelope.model_validate(OutboxMessage.objects.get(pk=identity).body)
    assert (envelope.id, envelope.workspace, envelope.open()) == (
        identity,
        "w",
        EvaluationStarted(evaluation="one"),
    )


@pytest.mark.django_db
def test_rolled_back_is_never_said() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        say("one")
        raise ZeroDivisionError
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_too_big_is_refused_where_it_is_written() -> None:
    with pytest.raises(MalformedMessage):
        outbox.publish(
            "s", EvaluationFinished(evaluation="x" * 1_000_000, state="passed"), workspace="", about=""
        )
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_failure_keeps_the_rest_and_marks_what_went_before() -> None:
    ids = sorted(say(str(number)) for number in range(3))
    sent: list[str] = []

    def send(row: OutboxMessage) -> None:
        if len(sent) == 1:
            raise ConnectionError("the bus is away")
        sent.append(row.pk)

    with pytest.raises(ConnectionError):
        outbox.relay(send)
    assert sent == ids[:1]
    assert outbox.relay(lambda row: sent.append(row.pk)) == 2
    assert sent == ids
    assert outbox.relay(lambda row: sent.append(row.pk)) == 0


@pytest.mark.django_db
def test_prune_keeps_what_is_young_or_unpublished() -> None:
    old, young, _waiting = say("old"), say("young"), outbox.instruct(Instruction.REPORT, evaluation="x")
    OutboxMessage.objects.filter(pk=old).update(published_at=timezone.now() - timedelta(hours=2))
    OutboxMessage.objects.filter(pk=young).update(published_at=timezone.now())
    assert outbox.prune() == 1
    assert OutboxMessage.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_relays_at_once_publish_each_row_once() -> None:
    for number in range(40):
        say(str(number))
    sent: list[str] = []
    together = threading.Barrier(2)

    def work() -> None:
        try:
            together.wait(5)
            while outbox.relay(lambda row: sent.append(row.pk), limit=5):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(sent) == len(set(sent)) == 40
