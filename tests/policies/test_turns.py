"""One busy workspace delays nobody: what it may have with agents is limited, and the rest waits for its turn."""

import pytest
from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.results import give_up
from seatrial.control.policies.services import supersede
from seatrial.control.policies.turns import FOR_EACH_AGENT
from seatrial.control.projects.models import PullRequest
from seatrial.control.triggers import facts
from seatrial.wire import subjects
from seatrial.wire.evaluations import ForgeFacts
from tests import factories as make

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def forge(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code host that always answers."""
    monkeypatch.setattr(facts.facts, "take", lambda *_: ForgeFacts())
    monkeypatch.setattr(facts, "_complete", lambda *_: None)


def pull_request() -> PullRequest:
    """In a workspace of its own."""
    return make.pull_request(make.project(make.workspace()))


def asked(pull: PullRequest, count: int) -> list[Evaluation]:
    rows = [make.evaluation(pull, state="queued", commit=make.sha()) for _ in range(count)]
    version = make.policy(pull.project.workspace)
    for row in rows:
        row.versions.set([version])
    return rows


def take(*evaluations: Evaluation) -> None:
    for one in evaluations:
        facts.take_facts(Forges(), {"evaluation": one.pk})


def handed_over(pull: PullRequest) -> int:
    subject = subjects.evaluation_jobs(pull.project.workspace_id)
    return OutboxMessage.objects.filter(subject=subject).count()


def due_turns() -> list[str]:
    rows = OutboxMessage.objects.filter(subject=Instruction.FACTS, due_at__lte=timezone.now())
    return [row.body["evaluation"] for row in rows.filter(body__has_key="turn")]


def test_five_hundred_of_one_workspace_are_not_before_the_first_of_another() -> None:
    busy, other = pull_request(), pull_request()
    take(*asked(busy, 3 * FOR_EACH_AGENT), *asked(other, 1))
    assert (handed_over(busy), handed_over(other)) == (FOR_EACH_AGENT, 1)


def test_each_that_ends_gives_its_turn_to_the_one_that_waits_longest() -> None:
    busy = pull_request()
    evaluations = asked(busy, FOR_EACH_AGENT + 2)
    take(*evaluations)
    first, second = evaluations[FOR_EACH_AGENT:]
    first.refresh_from_db()
    assert first.waits_for and first.queued_at is None and due_turns() == []
    give_up(evaluations[0].pk, "lost")
    assert due_turns() == [first.pk]
    take(first, second)
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.queued_at and not first.waits_for and second.queued_at is None


def test_what_is_superseded_gives_its_turn_too() -> None:
    busy = pull_request()
    closed = make.pull_request(busy.project)
    take(*asked(closed, FOR_EACH_AGENT), *(waiting := asked(busy, 1)))
    supersede(closed)
    assert due_turns() == [waiting[0].pk]
