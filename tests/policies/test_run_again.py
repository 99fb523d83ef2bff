"""Somebody has an evaluation run again from its page."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Project, PullRequest
from tests import factories as make

pytestmark = pytest.mark.django_db
COMMIT, NEWER = "1" * 40, "2" * 40


class Harbour:
    """One failure of a pull request, and people."""

    def __init__(self) -> None:
        roles = {role: make.user(role) for role in ("owner", "developer", "viewer")}
        self.people = {**roles, "stranger": make.user("stranger")}
        workspace = make.workspace("harbour", **roles)
        make.workspace("elsewhere", owner=self.people["stranger"])
        self.project = make.project(workspace, "shop")
        make.policy(workspace, "No secrets")
        self.pull_request = make.pull_request(self.project, head_sha=COMMIT)
        self.evaluation = self.ended(commit=COMMIT)

    def ended(self, **fields: Any) -> Evaluation:
        return make.evaluation(self.pull_request, state="failed", **fields)

    def send(self, who: str) -> tuple[int, str]:
        client = Client()
        client.force_login(self.people[who])
        answer = client.post(f"/evaluations/{self.evaluation.pk}/run", follow=True)
        return answer.status_code, answer.content.decode()

    def rest(self, who: str) -> tuple[int, Any]:
        client = Client()
        client.force_login(self.people[who])
        answer = client.post(f"/api/v1/evaluations/{self.evaluation.pk}/run")
        return answer.status_code, answer.json()

    def page(self, who: str) -> str:
        client = Client()
        client.force_login(self.people[who])
        return client.get(f"/evaluations/{self.evaluation.pk}").content.decode()


@pytest.fixture
def harbour() -> Harbour:
    return Harbour()


def test_the_same_commit_is_evaluated_again(harbour: Harbour) -> None:
    assert "Run again" in harbour.page("developer")
    status, _ = harbour.send("developer")
    made = Evaluation.objects.latest("id")
    assert status == 200 and made.pk != harbour.evaluation.pk
    assert (made.commit, made.pull_request, made.event, made.ref, made.state) == (
        COMMIT, harbour.pull_request, harbour.evaluation.event, harbour.evaluation.ref, "queued",
    )  # fmt: skip
    assert AuditEntry.objects.filter(action="evaluation.request", target=f"evaluation/{made.pk}").exists()
    harbour.send("developer")
    assert harbour.rest("developer")[1]["id"] == made.pk and Evaluation.objects.count() == 2


def test_an_older_commit_never_supersedes_a_newer_one(harbour: Harbour) -> None:
    newer = harbour.ended(commit=NEWER)
    assert "Run again" not in harbour.page("developer")
    assert "A newer commit has been evaluated since" in harbour.send("developer")[1]
    status, body = harbour.rest("developer")
    assert (status, body["error"]["code"]) == (409, "not_run_again")
    assert Evaluation.objects.count() == 2 and newer.state == "failed"


def test_a_closed_pull_request_and_an_archived_project_are_left_alone(harbour: Harbour) -> None:
    PullRequest.objects.update(state="closed")
    assert "The pull request is closed" in harbour.send("developer")[1]
    Project.objects.update(archived_at=timezone.now())
    assert "archived" in harbour.rest("developer")[1]["error"]["message"]
    assert Evaluation.objects.count() == 1


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404)])
def test_it_takes_a_developer(harbour: Harbour, who: str, status: int) -> None:
    assert harbour.send(who)[0] == harbour.rest(who)[0] == status
    assert who == "stranger" or "Run again" not in harbour.page(who)
    assert Evaluation.objects.count() == 1
