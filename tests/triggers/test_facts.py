"""Facts come between an evaluation that was asked for and its job: taken aside, kept, and never waited for by others."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from seatrial.control.forges import facts as forge_facts
from seatrial.control.forges import registry, retention
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.models import FactsSnapshot
from seatrial.control.forges.protocol import EVERYTHING, Asked, TakenFacts
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation, PolicyVersion
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.evaluations import BranchProtection, ForgeFacts, Member
from tests import factories
from tests.triggers.conftest import jobs, wait_is_over, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B, BASE = (letter * 40 for letter in "abc")
Lanes = Callable[[], None]


class Telling(LocalForge):
    """Tells a branch name that says how often it was asked. `problem` is called first and may raise."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []
        self.asked: list[frozenset[Asked]] = []
        self.problem: Callable[[], object] = lambda: None

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        self.shown.append(dict(known.etags) if known else {})
        self.problem()
        self.asked.append(asked)
        number = str(len(self.shown))
        told = ForgeFacts(
            default_branch=f"told {number}",
            members=[Member(username=number, role="x")] if Asked.MEMBERS in asked else [],
            protection=BranchProtection.none(number) if Asked.PROTECTION in asked else None,
        )
        return TakenFacts(facts=told, etags={"/members": number})


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Telling:
    forge = Telling()
    monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: forge))
    return forge


@pytest.fixture
def pull_request() -> PullRequest:
    project = factories.project(factories.workspace())
    factories.policy(project.workspace, "Has readme")
    return factories.pull_request(project, head_sha=A, base_sha=BASE)


def evaluate(pull_request: PullRequest, commit: str = A, event: str = "pull_request") -> Evaluation:
    made = policies.evaluate(
        pull_request.project,
        commit=commit,
        ref="refs/heads/x",
        event=event,
        pull_request=pull_request,
        base_commit=BASE,
    )
    assert made is not None
    return made


def raises(error: Exception) -> Callable[[], None]:
    def problem() -> None:
        raise error

    return problem


def test_a_job_carries_facts_and_what_the_commit_is_compared_with(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    evaluation = evaluate(pull_request)
    assert not jobs() and not forge.shown, "asked for, and nobody was asked yet"
    lanes()
    (job,) = jobs()
    assert (job.evaluation, job.facts.default_branch) == (evaluation.pk, "told 1")
    assert (job.event, job.base_commit, job.number) == ("pull_request", BASE, pull_request.number)
    evaluation.refresh_from_db()
    assert evaluation.queued_at and evaluation.state == "queued"
    wait_is_over()
    OutboxMessage.objects.filter(subject=Instruction.FACTS).update(
        published_at=None
    )  # a crash before the mark
    lanes()
    assert len(jobs()) == 1


def test_the_snapshot_of_a_commit_is_used_again_while_it_is_fresh(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    for event in ("push", "pull_request", "manual"):
        evaluate(pull_request, event=event)
        lanes()
    assert [job.facts.default_branch for job in jobs()] == ["told 1"] * 3
    FactsSnapshot.objects.update(taken_at=timezone.now() - forge_facts.FRESH)
    evaluate(pull_request, event="tag")
    lanes()
    assert jobs()[-1].facts.default_branch == "told 2"
    assert forge.shown == [{}, {"/members": "1"}]
    assert FactsSnapshot.objects.get().facts["default_branch"] == "told 2"


def test_for_another_commit_the_forge_is_shown_what_is_known(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    for commit in (A, B):
        evaluate(pull_request, commit)
        lanes()
    assert forge.shown == [{}, {"/members": "1"}]
    assert FactsSnapshot.objects.count() == 2


def test_what_takes_requests_of_its_own_is_asked_for_when_a_policy_wants_it(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    """And at most once in ten minutes for a project; what nobody wants is a day old at most."""

    def told(letter: str, later: timedelta, code: str) -> tuple[str, str]:
        PolicyVersion.objects.update(code=code)
        for row in FactsSnapshot.objects.all():
            row.asked = {
                one: (datetime.fromisoformat(at) - later).isoformat() for one, at in row.asked.items()
            }
            row.save()
        evaluate(pull_request, letter * 40)
        lanes()
        facts = jobs()[-1].facts
        assert facts.protection is not None
        return facts.members[0].username, facts.protection.branch

    minutes, hours = timedelta(minutes=11), timedelta(hours=25)
    assert told("a", timedelta(), "pass") == ("1", "1"), "the first time, for trials"
    assert told("b", minutes, "pass") == ("1", "1")
    assert told("d", timedelta(), "project.get_branch_protection()") == ("1", "3")
    assert told("e", timedelta(), "project.get_members(); project.get_branch_protection()") == ("4", "3")
    assert told("f", timedelta(), "project.get_members(); project.get_branch_protection()") == ("4", "3")
    evaluate(pull_request, "b" * 40, event="push")
    lanes()
    assert jobs()[-1].facts.members[0].username == "4", "of a commit whose snapshot has older ones, too"
    assert told("1", hours, "pass") == ("6", "6")
    none: frozenset[Asked] = frozenset()
    only = [frozenset({one}) for one in (Asked.PROTECTION, Asked.MEMBERS)]
    assert forge.asked == [EVERYTHING, none, *only, none, EVERYTHING]


def test_what_was_superseded_meanwhile_is_not_queued(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    first = evaluate(pull_request)
    forge.problem = lambda: policies.supersede(pull_request)
    lanes()
    first.refresh_from_db()
    assert first.state == "superseded" and len(forge.shown) == 1 and not jobs()
    evaluate(pull_request, B)
    policies.supersede(pull_request)
    lanes()
    assert len(forge.shown) == 1, "nor is a forge asked for it"


def test_a_forge_that_does_not_answer_is_asked_again_and_the_evaluation_says_so(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    evaluation = evaluate(pull_request)
    forge.problem = raises(ForgeError("toy.test does not answer: refused"))
    lanes()
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.shown_message) == (
        "queued",
        "Waits for the forge's facts about the repository (toy.test does not answer: refused).",
    )
    factories.agent("able")
    Evaluation.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert policies.give_up_lost() == 0, "no agent is to blame"
    forge.problem = lambda: None
    wait_is_over()
    lanes()
    evaluation.refresh_from_db()
    assert evaluation.shown_message == "" and len(jobs()) == 1


def test_what_is_superseded_while_it_waits_waits_no_more(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    evaluation = evaluate(pull_request)
    forge.problem = raises(ForgeError("toy.test does not answer: refused"))
    lanes()
    policies.supersede(pull_request)
    evaluation.refresh_from_db()
    assert (evaluation.waits_for, evaluation.shown_message) == ("", "The pull request was closed.")


def test_after_a_limit_it_ends_with_the_reason(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    evaluation = evaluate(pull_request)
    forge.problem = raises(KeyError("members"))
    lanes()
    assert len(waiting(Instruction.FACTS)) == 1
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(hours=3))
    wait_is_over()
    lanes()
    evaluation.refresh_from_db()
    assert evaluation.state == "errored" and evaluation.finished_at and not evaluation.waits_for
    assert "gave no facts about the repository: KeyError: 'members'" in evaluation.message
    assert not waiting(Instruction.FACTS) and not jobs()


def test_what_the_forge_refuses_for_good_ends_it_at_once(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    evaluation = evaluate(pull_request)
    forge.problem = raises(ForgeError("404 no such repository", permanent=True))
    lanes()
    evaluation.refresh_from_db()
    assert evaluation.state == "errored" and "404 no such repository" in evaluation.message


def test_a_forge_that_names_a_time_is_left_alone_until_then(
    forge: Telling, lanes: Lanes, pull_request: PullRequest
) -> None:
    evaluate(pull_request)
    forge.problem = raises(ForgeError("No request is left", retry_after_seconds=300))
    lanes()
    (row,) = waiting(Instruction.FACTS)
    assert row.due_at - timezone.now() > timedelta(seconds=100)


def test_old_snapshots_go(pull_request: PullRequest, forge: Telling) -> None:
    for commit in (A, B):
        forge_facts.take(Forges(), pull_request.project, commit)
    FactsSnapshot.objects.filter(commit=A).update(taken_at=timezone.now() - timedelta(days=31))
    assert retention.prune(timezone.now()) == 1
    assert FactsSnapshot.objects.get().commit == B
