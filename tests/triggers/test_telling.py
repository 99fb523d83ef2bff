"""A code host is told what is new: nothing twice, and nothing less."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from seatrial.control.forges import registry
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.protocol import EvaluationReport, PreviewReport
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment
from seatrial.control.projects.models import Connection, Project, PullRequest
from tests import factories
from tests.triggers.conftest import wait_is_over

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


class Listening(LocalForge):
    """Writes down what it is told; `deaf` hears nothing."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.deaf = False

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        self._hear(f"{report.state}: {report.description}")

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        self._hear(f"{report.state}: {report.description}")

    def _hear(self, text: str) -> None:
        if self.deaf:
            raise ForgeError("nobody answers")
        self.told.append(text)


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Listening:
    forge = Listening()
    monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: forge))
    return forge


@pytest.fixture
def pull_request() -> PullRequest:
    pull_request = factories.pull_request(factories.project(factories.workspace()))
    factories.running(pull_request)
    factories.evaluation(pull_request, state="passed")
    return pull_request


@pytest.fixture
def report(pull_request: PullRequest, lanes: Callable[[], None]) -> Callable[[], None]:
    """Has the state of preview and verdict reported, as whatever happened would."""

    def report() -> None:
        evaluation = Evaluation.objects.get()
        outbox.instruct(Instruction.REPORT, pull_request=pull_request.pk)
        outbox.instruct(Instruction.REPORT, project=pull_request.project_id, commit=evaluation.commit)
        lanes()

    return report


def test_the_same_is_told_once_however_often_it_is_asked_for(
    forge: Listening, report: Callable[[], None]
) -> None:
    for _ in range(3):
        report()
    assert sorted(forge.told) == ["live: live", "passed: passed"]


def test_what_changed_is_told_and_what_changed_back_too(forge: Listening, report: Callable[[], None]) -> None:
    for state in ("live", "failed", "live"):
        Deployment.objects.update(state=state)
        report()
    assert [one for one in forge.told if "passed" not in one] == [
        "live: live",
        "failed: failed",
        "live: live",
    ]


def test_what_was_not_heard_is_told_again(
    forge: Listening, report: Callable[[], None], lanes: Callable[[], None]
) -> None:
    forge.deaf = True
    report()
    forge.deaf = False
    wait_is_over()
    lanes()
    assert sorted(forge.told) == ["live: live", "passed: passed"]


def test_another_code_host_knows_nothing_yet(forge: Listening, report: Callable[[], None]) -> None:
    report()
    row = Connection.objects.get()
    row.base_url = "https://moved.test"
    row.save()
    report()
    assert sorted(forge.told) == ["live: live"] * 2 + ["passed: passed"] * 2
