"""A code host that was away, or refused the credential, for long: what waits, what is said, and that nothing is lost or repeated."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.models import Account
from seatrial.control.forges.protocol import (
    EVERYTHING,
    Asked,
    CommentReport,
    DeploymentReport,
    EvaluationReport,
    HostedForge,
    PreviewReport,
    TakenFacts,
)
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project
from seatrial.control.triggers.events import pull_request_changed
from seatrial.control.worker.sweeps import sweep_forges
from seatrial.wire.evaluations import ForgeFacts
from tests import factories
from tests.triggers.conftest import lanes_of, wait_is_over, waiting
from tests.triggers.hosted import BOT, SHOP, DeliveringHere, Team, handle, project
from tests.triggers.test_github_app import go_live
from tests.triggers.test_hosted import finish

__all__ = ["project"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
PULL_REQUESTS, COMMITS = 5, 2


class Host(LocalForge):
    """Counts what it is told. `away`: why it does not hear."""

    def __init__(self) -> None:
        self.told: Counter[tuple[str, str]] = Counter()
        self.away: ForgeError | None = None
        self.pulls: dict[int, PullRequestChanged] = {}

    def pull_request(self, project: Project, number: int) -> PullRequestChanged:
        self._reach()
        return self.pulls[number]

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        self._reach()
        return TakenFacts(facts=ForgeFacts(default_branch="main"))

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        self._hear("verdict", report.commit)

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        self._hear("preview", report.commit)

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        self._hear("deployment", str(report.number))

    def report_comment(self, project: Project, report: CommentReport) -> str:
        self._hear("comment", str(report.number))
        return "1"

    def _reach(self) -> None:
        if self.away is not None:
            raise self.away

    def _hear(self, what: str, about: str) -> None:
        self._reach()
        self.told[what, about] += 1

    def __getattr__(self, name: str) -> Any:
        """Everything else that forges do on servers of their own; it is not asked for here."""
        if name.startswith("_") or name == "allowances":
            raise AttributeError(name)
        return Mock()

    def push(self, project: Project, number: int, commit: str) -> None:
        self.pulls[number] = PullRequestChanged(
            external_id=project.external_id,
            number=number,
            action=PullRequestAction.SYNCHRONIZE,
            head_sha=commit,
            branch=f"change-{number}",
            base_branch="main",
            title="t",
            author="ann",
            from_fork=False,
            changed_at=timezone.now(),
        )
        pull_request_changed(project, self.pulls[number])


def test_after_an_hour_away_a_forge_hears_one_thing_of_each_kind_about_each_pull_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = Host()
    assert isinstance(host, HostedForge), "it has comments"
    monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: host))
    project = factories.project(factories.workspace())
    factories.policy(project.workspace)
    lanes = lanes_of(Forges())
    host.away = ForgeError("git.test does not answer", heard=False)
    numbers, heads = range(1, PULL_REQUESTS + 1), set[str]()
    with capture_logs():
        for _ in range(COMMITS):
            heads = set()
            for number in numbers:
                heads.add(commit := factories.sha())
                host.push(project, number, commit)
            lanes()
        for evaluation in Evaluation.objects.filter(state="queued"):
            finish(evaluation)
        lanes()
    assert not host.told and waiting(Instruction.REPORT)
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(hours=1))
    host.away = None
    for _ in range(3):
        wait_is_over()
        lanes()
    assert not waiting(Instruction.REPORT) and not waiting(Instruction.COMMENT)
    about = {
        "verdict": heads,
        "preview": heads,
        "deployment": map(str, numbers),
        "comment": map(str, numbers),
    }
    assert host.told == Counter((what, one) for what, each in about.items() for one in each)


def reported(site: DeliveringHere) -> dict[str, str]:
    return {one.context: one.state for one in site.repositories[SHOP].statuses}


def test_a_credential_that_is_refused_for_days_is_said_and_loses_nothing(
    site: DeliveringHere, project: Project, team: Team, forges: Forges, lanes: Callable[[], None]
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    assert reported(site) == {"seatrial/policies": "pending", "seatrial/preview": "pending"}
    site.people[BOT].token = "another"
    asked = len(site.asked)
    finish(Evaluation.objects.get())
    go_live(Environment.objects.get())
    Account.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    with capture_logs():
        for _ in range(5):
            wait_is_over()
            lanes()
            sweep_forges(forges)
    assert len(site.asked) - asked < 15, "nobody goes on guessing"
    project.refresh_from_db()
    said = "does not accept the credential: it answers 401"
    assert said in project.unreachable and said in Account.objects.get().problem
    browser = Client()
    browser.force_login(team.people["owner"])
    for path in (f"/projects/{project.pk}", f"/connections/{project.connection_id}"):
        assert said in browser.get(path).content.decode()
    assert waiting(Instruction.REPORT)
    with capture_logs() as lines:
        while waiting(Instruction.REPORT) or waiting(Instruction.COMMENT):
            OutboxMessage.objects.update(created_at=timezone.now() - timedelta(hours=25))
            wait_is_over()
            lanes()
    assert {"report given up", "comment given up"} <= {line["event"] for line in lines}
    assert reported(site)["seatrial/preview"] == "pending"
    site.people[BOT].token = "new"
    path = f"/connections/{project.connection_id}"
    assert team.call("owner", "PATCH", path, {"credential": "new"})[0] == 200
    sweep_forges(forges)
    lanes()
    lanes()
    assert reported(site) == {"seatrial/policies": "success", "seatrial/preview": "success"}
    assert "Policies: passed" in pull.comments[0].body and len(pull.comments) == 1
    project.refresh_from_db()
    assert project.unreachable == ""
