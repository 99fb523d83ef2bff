import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from seatrial.control.outbox import retention
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.errors import Away, NotYet
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
def test_a_bus_that_is_away_keeps_the_rest_and_marks_what_went_before() -> None:
    ids = sorted(say(str(number)) for number in range(3))
    sent: list[str] = []

    def send(row: OutboxMessage) -> None:
        if len(sent) == 1:
            raise Away("the bus is away")
        sent.append(row.pk)

    with pytest.raises(Away):
        outbox.relay(send)
    assert sent == ids[:1]
    assert outbox.relay(lambda row: sent.append(row.pk)) == 2
    assert sent == ids
    assert outbox.relay(lambda row: sent.append(row.pk)) == 0
    assert not OutboxMessage.objects.exclude(attempts=0).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OSError("no space left"), TimeoutError(), ValueError("nonsense")])
def test_a_row_that_is_refused_waits_longer_each_time_and_holds_nobody_up(error: Exception) -> None:
    poison, *fine = sorted(say(str(number)) for number in range(3))
    sent: list[str] = []

    def send(row: OutboxMessage) -> None:
        if row.pk == poison:
            raise error
        sent.append(row.pk)

    before = timezone.now()
    assert outbox.relay(send) == 3
    assert sent == fine
    for attempts in (1, 2, 3):
        row = OutboxMessage.objects.get(pk=poison)
        assert (row.attempts, row.published_at) == (attempts, None)
        assert before <= row.due_at - timedelta(seconds=2**attempts) <= timezone.now()
        OutboxMessage.objects.filter(pk=poison).update(due_at=timezone.now() + timedelta(hours=1))
        assert outbox.relay(send) == 0, "not due yet"
        wait_is_over()
        before = timezone.now()
        assert outbox.relay(send) == 1
    OutboxMessage.objects.update(attempts=10_000)
    wait_is_over()
    outbox.relay(send)
    assert OutboxMessage.objects.get(pk=poison).due_at - timezone.now() <= timedelta(seconds=30), (
        "once its obstacle is gone, it goes"
    )
    wait_is_over()
    assert outbox.relay(lambda row: sent.append(row.pk)) == 1
    assert sent == [*fine, poison]


def wait_is_over() -> None:
    OutboxMessage.objects.filter(published_at=None).update(due_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_a_statement_that_fails_spoils_only_its_own_row() -> None:
    poison, fine = sorted(say(str(number)) for number in range(2))

    def send(row: OutboxMessage) -> None:
        if row.pk == poison:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

    assert outbox.relay(send) == 2
    assert list(OutboxMessage.objects.exclude(published_at=None).values_list("pk", flat=True)) == [fine]


@pytest.mark.django_db
def test_each_relay_keeps_to_its_lane() -> None:
    message = say("one")
    outbox.instruct(Instruction.REPORT, pull_request="p")
    outbox.instruct(Instruction.REVOKE, public_key="U")
    bus: list[str] = []
    aside: list[str] = []
    outbox.relay(lambda row: bus.append(row.pk))
    for instruction in (Instruction.REVOKE, Instruction.REPORT):
        while outbox.relay_aside(instruction, lambda row: aside.append(row.subject)):
            pass
    assert (bus, aside) == ([message], ["revoke", "report"])


@pytest.mark.django_db
def test_each_target_gets_its_report_once() -> None:
    for pull_request in ("p", "q", "p", "p"):
        outbox.instruct(Instruction.REPORT, pull_request=pull_request)
    sent: list[str] = []
    while outbox.relay_aside(Instruction.REPORT, lambda row: sent.append(row.body["pull_request"])):
        pass
    assert sent == ["p", "q"]
    assert not OutboxMessage.objects.filter(published_at=None).exists()


@pytest.mark.django_db
def test_a_target_waits_as_long_as_its_forge_wants_whatever_comes_meanwhile() -> None:
    outbox.instruct(Instruction.REPORT, pull_request="p")

    def send(row: OutboxMessage) -> None:
        raise NotYet(900)

    before = timezone.now()
    assert outbox.relay_aside(Instruction.REPORT, send)
    after = timezone.now()
    outbox.instruct(Instruction.REPORT, pull_request="p")
    assert not outbox.relay_aside(Instruction.REPORT, send)
    row = OutboxMessage.objects.order_by("id")[0]
    assert before <= row.due_at - timedelta(seconds=900) <= after
    wait_is_over()
    sent: list[str] = []
    assert outbox.relay_aside(Instruction.REPORT, lambda row: sent.append(row.pk))
    assert len(sent) == 1
    assert not OutboxMessage.objects.filter(published_at=None).exists(), "the newer one was told with it"


@pytest.mark.django_db
def test_an_instruction_that_came_during_the_report_leads_to_another_report() -> None:
    outbox.instruct(Instruction.REPORT, pull_request="p")
    sent: list[str] = []

    def send(row: OutboxMessage) -> None:
        sent.append(row.pk)
        if len(sent) == 1:
            outbox.instruct(Instruction.REPORT, pull_request="p")
            assert not outbox.relay_aside(Instruction.REPORT, send), "one target, one teller at a time"

    while outbox.relay_aside(Instruction.REPORT, send):
        pass
    assert len(set(sent)) == 2


@pytest.mark.django_db(transaction=True)
def test_aside_no_transaction_is_open_and_a_kill_only_delays() -> None:
    outbox.instruct(Instruction.REPORT, pull_request="p")

    class Killed(BaseException):
        pass

    def send(row: OutboxMessage) -> None:
        assert not connection.in_atomic_block
        raise Killed

    with pytest.raises(Killed):
        outbox.relay_aside(Instruction.REPORT, send)
    row = OutboxMessage.objects.get()
    assert row.published_at is None
    assert timedelta(0) < row.due_at - timezone.now() <= outbox.CLAIMED
    wait_is_over()
    assert outbox.relay_aside(Instruction.REPORT, lambda row: None)


@pytest.mark.django_db(transaction=True)
def test_a_claim_is_renewed_while_the_work_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "RENEWED_SECONDS", 0.05)
    outbox.instruct(Instruction.REPORT, pull_request="p")
    row = OutboxMessage.objects.get()

    def send(_: OutboxMessage) -> None:
        wait_is_over()  # as if it had taken that long
        deadline = time.monotonic() + 60
        while OutboxMessage.objects.get(pk=row.pk).due_at <= timezone.now():
            assert time.monotonic() < deadline, "the claim should be renewed"
            time.sleep(0.01)
        assert not outbox.relay_aside(Instruction.REPORT, lambda _: None), "nobody else has it"

    assert outbox.relay_aside(Instruction.REPORT, send)
    assert OutboxMessage.objects.get().published_at is not None


@pytest.mark.django_db
def test_prune_keeps_what_is_young_or_unpublished() -> None:
    old, young, _waiting = say("old"), say("young"), outbox.instruct(Instruction.REPORT, pull_request="x")
    OutboxMessage.objects.filter(pk=old).update(published_at=timezone.now() - timedelta(hours=2))
    OutboxMessage.objects.filter(pk=young).update(published_at=timezone.now())
    assert retention.prune(timezone.now()) == 1
    assert OutboxMessage.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_relays_at_once_publish_each_row_once() -> None:
    for number in range(40):
        say(str(number))
    sent: list[str] = []
    together = threading.Barrier(2)

    def work() -> None:
        try:
            together.wait(60)
            while outbox.relay(lambda row: sent.append(row.pk), limit=5):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(sent) == len(set(sent)) == 40
