"""Reports to forges: they give the current state, and a forge that is away, refuses or is slow delays no other."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.protocol import EvaluationReport, PreviewReport
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.previews import services as previews
from seatrial.control.projects.models import Project
from seatrial.control.worker import errands
from seatrial.control.worker.aside import Aside
from seatrial.control.worker.database import Database
from seatrial.control.worker.wakeups import Wakeups
from tests import factories
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
A, B, C = (letter * 40 for letter in "abc")


class RecordingForge(LocalForge):
    """The local forge, with somebody to tell. `problem` is called first and may raise."""

    def __init__(self) -> None:
        self.reported: list[tuple[str, str]] = []
        self.urls: list[dict[str, str]] = []
        self.problem: Callable[[], None] = lambda: None

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        self._hear(report.commit, report.state)
        self.urls.append(dict(report.urls))

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        self._hear(report.commit, report.state)

    def _hear(self, commit: str, state: str) -> None:
        assert not connection.in_atomic_block, "a forge is never waited for within a transaction"
        self.problem()
        self.reported.append((commit[0], str(state)))


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> RecordingForge:
    forge = RecordingForge()
    monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: forge))
    return forge


@pytest.fixture
def aside() -> Aside:
    return Aside(Database(1), Wakeups([]), errands.reports(Forges()))


@pytest.fixture
def scene() -> Scenario:
    return Scenario.make()


def waiting() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(subject=Instruction.REPORT, published_at=None))


def wait_is_over() -> None:
    OutboxMessage.objects.filter(published_at=None).update(due_at=timezone.now() - timedelta(seconds=1))


def drain(aside: Aside) -> None:
    """Send what is due now; what fails is not tried again meanwhile, however slow the machine is."""
    began = timezone.now()
    while any(row.due_at <= began or not row.attempts for row in waiting()) and aside.one():
        pass


def raises(error: Exception) -> Callable[[], None]:
    def problem() -> None:
        raise error

    return problem


def test_every_end_of_a_preview_is_reported_to_the_forge(
    scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    scene.push(A, at=0)
    drain(aside)
    scene.ready(scene.candidate())
    scene.switch()
    drain(aside)
    scene.push(B, at=1)
    drain(aside)
    scene.fail(scene.candidate())
    drain(aside)
    scene.push(C, at=2)
    scene.close(at=3)
    drain(aside)
    assert forge.reported == [
        ("a", "queued"),
        ("a", "live"),
        ("b", "queued"),
        ("b", "failed"),
        ("c", "cancelled"),
    ]
    assert [bool(urls) for urls in forge.urls] == [False, True, False, False, False]


def test_a_stopped_preview_is_reported_to_the_forge(
    scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    scene.live(A)
    previews.stop(scene.environment, by=Actor.person("alice"))
    drain(aside)
    assert (forge.reported, forge.urls) == ([("a", "superseded")], [{}])


def test_a_late_report_says_how_things_are_now(scene: Scenario, forge: RecordingForge, aside: Aside) -> None:
    forge.problem = raises(ForgeError("503 Service Unavailable", heard=False))
    scene.push(A, at=0)
    drain(aside)
    scene.close(at=1)
    scene.push(B, at=2, action="reopened")
    forge.problem = lambda: None
    wait_is_over()
    drain(aside)
    assert forge.reported == [("b", "queued")]
    assert not waiting()


@pytest.mark.parametrize("heard", [True, False])
def test_what_was_begun_at_the_forge_ends_there(
    heard: bool, scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    if not heard:  # nobody knows whether it was
        forge.problem = raises(ForgeError("the answer did not come"))
    scene.push(A, at=0)
    drain(aside)
    forge.problem = lambda: None
    scene.push(B, at=1)
    wait_is_over()
    drain(aside)
    assert sorted(forge.reported) == [*([("a", "queued")] * heard), ("a", "superseded"), ("b", "queued")]


def test_a_superseded_evaluation_is_reported_to_the_forge(
    scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    factories.policy(scene.project.workspace)
    scene.push(A)
    pull_request = scene.pull_request
    OutboxMessage.objects.all().delete()
    for commit in (A, B):
        policies.evaluate(
            scene.project, commit=commit, ref="refs/heads/x", event="pull_request", pull_request=pull_request
        )
    drain(aside)
    assert forge.reported == [("a", "superseded"), ("b", "queued")]
    policies.supersede(pull_request)
    drain(aside)
    assert forge.reported[2:] == [("b", "superseded")]


ODD = [
    ForgeError("502 Bad Gateway"),
    httpx.ReadTimeout("the read operation timed out"),
    ssl.SSLCertVerificationError("self-signed certificate"),
    ConnectionRefusedError(),
    KeyError("state"),
]


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
def test_a_forge_gets_the_report_when_it_answers_again(
    error: Exception, scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    scene.push(A)
    other = factories.project(scene.project.workspace)
    outbox.instruct(
        Instruction.REPORT, project=other.pk, commit=A
    )  # nothing there: another target, not held up
    forge.problem = raises(error)
    with capture_logs() as lines:
        drain(aside)
    assert [line["event"] for line in lines] == ["outbox message not sent, tried again later"]
    assert [row.attempts for row in waiting()] == [1]
    forge.problem = lambda: None
    wait_is_over()
    drain(aside)
    assert forge.reported == [("a", "queued")]


def test_what_a_forge_refuses_for_good_is_not_said_again(
    scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    scene.push(A)
    forge.problem = raises(ForgeError("422 no such commit", permanent=True))
    with capture_logs() as lines:
        drain(aside)
    assert [line["event"] for line in lines] == ["report given up"]
    assert not waiting()


def test_a_forge_that_names_a_time_is_left_alone_until_then(
    scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    scene.push(A)
    forge.problem = raises(ForgeError("429 slow down", retry_after_seconds=300))
    drain(aside)
    assert all(row.due_at - timezone.now() > timedelta(seconds=100) for row in waiting())


def test_a_forge_that_is_away_for_a_day_is_given_up(
    scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    scene.push(A)
    forge.problem = raises(ForgeError("502 Bad Gateway"))
    drain(aside)
    assert waiting()
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(hours=25))
    wait_is_over()
    with capture_logs() as lines:
        drain(aside)
    assert [line["event"] for line in lines] == ["report given up"]
    assert not waiting()


def test_while_a_slow_forge_takes_its_time_the_bus_goes_on(
    scene: Scenario, forge: RecordingForge, aside: Aside
) -> None:
    scene.push(A)
    sent: list[str] = []

    def problem() -> None:
        outbox.relay(lambda row: sent.append(row.subject))
        scene.push(B, at=1)  # nothing is locked
        outbox.relay(lambda row: sent.append(row.subject))

    forge.problem = problem
    assert aside.one() and aside.one()
    assert sent == ["desired", "desired"]
    forge.problem = lambda: None
    drain(aside)
    assert forge.reported[-1] == ("b", "queued"), "what came meanwhile is told too"
