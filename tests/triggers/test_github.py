"""GitHub from being connected to the comment below a pull request, over REST and through the worker's lanes."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from werkzeug.wrappers import Response

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.models import Delivery, Hook, PostedComment
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project, PullRequest
from seatrial.control.triggers.comparing import compare
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.evaluations import EvaluationFinished, PolicyResult
from tests import factories
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Webhook
from tests.repositories import commit, repository
from tests.triggers.conftest import wait_is_over, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
SHOP, BOT = "acme/shop", "seatrial-bot"
Lanes = Callable[[], None]


class DeliveringHere(GitHubSite):
    """Its webhooks come to this process. `lost` ones get nowhere."""

    lost = False

    def deliver(self, webhook: Webhook, event: str, body: bytes, guid: str) -> int:
        if self.lost:
            return 0
        headers = self.webhook_headers(webhook, event, body, guid)
        kind = headers.pop("Content-Type")
        path = "/" + webhook.url.split("/", 3)[3]
        return Client().post(path, body, content_type=kind, headers=headers).status_code


class Team:
    """A workspace with people, who call REST with their tokens."""

    def __init__(self) -> None:
        self.people = {role: factories.user(role) for role in ("owner", "developer", "stranger")}
        own = {role: self.people[role] for role in ("owner", "developer")}
        self.workspace: Workspace = factories.workspace("team", **own)
        factories.workspace("other", owner=self.people["stranger"])
        factories.policy(self.workspace, "Has readme")

    def call(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = tokens.issue(self.people[who], "test", by=Actor.person("test"))
        answer = Client().generic(
            method,
            f"/api/v1{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        return answer.status_code, answer.json()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def site(tmp_path: Path, source: Path) -> Iterator[GitHubSite]:
    site = DeliveringHere(tmp_path / "github")
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving():
        site.repository(SHOP, source, admin=BOT)
        yield site
    assert site.complaints == []


@pytest.fixture
def team() -> Team:
    return Team()


def asked(site: GitHubSite, **changes: str) -> dict[str, str]:
    return {"forge": "github", "base_url": site.url, "credential": site.people[BOT].token, **changes}


@pytest.fixture
def connection(site: GitHubSite, team: Team) -> str:
    status, answer = team.call("owner", "POST", "/connections", asked(site))
    assert status == 200, answer
    assert answer["account"]["login"] == BOT and answer["webhook_secret"]
    return str(answer["id"])


@pytest.fixture
def project(connection: str, team: Team, lanes: Lanes) -> Project:
    status, answer = team.call(
        "owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]}
    )
    assert status == 200 and not answer["refused"], answer
    lanes()
    return Project.objects.get(pk=answer["projects"][0]["id"])


def handle() -> None:
    while Deliveries(Database(1), Wakeups([])).batch():
        pass


def finish(evaluation: Evaluation, state: str = "passed", message: str = "") -> None:
    version = evaluation.versions.get()
    result = PolicyResult(
        version_id=version.pk, slug=version.policy.slug, state=state, score=10.0, message=message
    )
    policies.finished("agent", EvaluationFinished(evaluation=evaluation.pk, state=state, results=[result]))


def test_a_pull_request_gets_statuses_and_one_comment(
    site: GitHubSite, project: Project, lanes: Lanes, source: Path
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    handle()
    lanes()
    hosted = site.repositories[SHOP]
    assert {one["context"]: one["state"] for one in hosted.statuses} == {
        "seatrial/policies": "pending",
        "seatrial/preview": "pending",
    }
    (comment,) = pull.comments
    assert pull.head[:10] in comment.body and "Preview: queued" in comment.body
    finish(Evaluation.objects.get(), "failed", "say @ann to close #1 | <b>now</b> https://bad.test")
    lanes()
    assert pull.comments == [comment] and comment.edits == 1
    assert "Policies: failed" in comment.body and "`has-readme`" in comment.body
    for effect in ("@ann", "#1 ", "<b>", "https://bad.test"):
        assert effect not in comment.body
    assert hosted.statuses[-1]["state"] == "failure"
    commit(source, {"b": "2"})
    site.push(SHOP, source, "feature")
    handle()
    lanes()
    assert pull.comments == [comment] and pull.head[:10] in comment.body
    site.close_pull(SHOP, pull.number, merged=True)
    handle()
    assert PullRequest.objects.get().state == "closed"
    assert Environment.objects.get().state == "terminated"
    assert set(Delivery.objects.values_list("result", flat=True)) == {"accepted"}


def test_nothing_is_said_twice(site: GitHubSite, project: Project, lanes: Lanes) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    asked_before = len(site.asked)
    outbox.instruct(Instruction.COMMENT, pull_request=PullRequest.objects.get().pk)
    lanes()
    assert len(site.asked) == asked_before and len(pull.comments) == 1


def test_an_hour_without_the_forge_loses_nothing_and_causes_no_storm(
    site: GitHubSite, project: Project, lanes: Lanes
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    site.faults.extend(Response("", 503) for _ in range(50))
    lanes()
    finish(Evaluation.objects.get())
    lanes()
    assert not pull.comments and waiting(Instruction.REPORT)
    site.faults.clear()
    asked_before = len(site.asked)
    wait_is_over()
    lanes()
    assert len(pull.comments) == 1 and not waiting(Instruction.COMMENT)
    assert len(site.asked) - asked_before < 20
    states = {one["context"]: one["state"] for one in site.repositories[SHOP].statuses}
    assert states["seatrial/policies"] == "success"


def test_lost_webhooks_are_made_up_for(site: DeliveringHere, project: Project, forges: Forges) -> None:
    site.lost = True
    kept, closed = (site.open_pull(SHOP, "feature", author="ann") for _ in range(2))
    compare(forges, project)
    assert Environment.objects.exclude(state="terminated").count() == 2
    site.close_pull(SHOP, closed.number)
    compare(forges, project)
    assert PullRequest.objects.get(state="open").number == kept.number


def test_a_webhook_that_was_switched_off_or_deleted_is_healed(
    site: GitHubSite, project: Project, lanes: Lanes
) -> None:
    (webhook,) = site.repositories[SHOP].webhooks
    webhook.active = False
    hooks.ask_due()
    lanes()
    assert not webhook.active  # looked at a moment ago
    Hook.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    hooks.ask_due()
    lanes()
    assert webhook.active
    site.repositories[SHOP].webhooks.clear()
    Hook.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    hooks.ask_due()
    hooks.ask_due()
    lanes()
    assert len(site.repositories[SHOP].webhooks) == 1


def test_a_webhook_that_may_not_be_made_is_said(
    site: GitHubSite, connection: str, team: Team, lanes: Lanes
) -> None:
    site.repositories[SHOP].members[BOT] = "write"
    team.call("owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]})
    lanes()
    assert "or hides it" in Hook.objects.get().problem
    site.repositories[SHOP].members[BOT] = "admin"
    hooks.ask(Project.objects.get())
    lanes()
    assert Hook.objects.get().problem == ""


def test_a_removed_project_has_no_webhook(site: GitHubSite, project: Project, lanes: Lanes) -> None:
    Project.objects.update(archived_at=timezone.now())
    hooks.ask(project)
    lanes()
    assert site.repositories[SHOP].webhooks == [] and not Hook.objects.exists()


def test_a_credential_that_is_refused_is_not_kept(site: GitHubSite, team: Team) -> None:
    status, answer = team.call("owner", "POST", "/connections", asked(site, credential="wrong"))
    assert status == 400 and "401" in answer["error"]["message"]
    site.people[BOT].scopes = "read:user"
    status, answer = team.call("owner", "POST", "/connections", asked(site))
    assert status == 400 and "the scope repo" in answer["error"]["message"]
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "github.com"}, "no address"),
        ({"base_url": "https://me:secret@git.test"}, "no user, password"),
        ({"base_url": "http://127.0.0.1:1"}, "does not answer"),
        ({"credential": " "}, "A credential is missing"),
        ({"forge": "local"}, "on this server"),
        ({"forge": "sourceforge"}, "does not speak"),
    ],
)
def test_what_cannot_be_a_connection_is_refused_with_the_reason(
    changes: dict[str, str], said: str, site: GitHubSite, team: Team
) -> None:
    status, answer = team.call("owner", "POST", "/connections", asked(site, **changes))
    assert status in {400, 404} and said in answer["error"]["message"]
    assert "secret" not in str(answer) and not Connection.objects.exists()


def test_who_may_not_manage_is_refused(site: GitHubSite, connection: str, team: Team) -> None:
    doors: list[tuple[str, str, Any]] = [
        ("POST", "/connections", asked(site)),
        ("POST", f"/connections/{connection}/test", None),
        ("GET", f"/connections/{connection}/repositories", None),
        ("POST", f"/connections/{connection}/projects", {"repositories": [SHOP]}),
    ]
    asked_before = len(site.asked)
    for method, path, body in doors:
        assert team.call("developer", method, path, body)[0] in {403, 404}, path
        if path != "/connections":
            assert team.call("stranger", method, path, body)[0] == 404, path
    assert team.call("developer", "GET", "/connections")[1] == []
    assert team.call("stranger", "POST", "/connections", asked(site, workspace="team"))[0] == 404
    assert len(site.asked) == asked_before and not Project.objects.exists()


def test_the_credential_is_shown_to_nobody(site: GitHubSite, connection: str, team: Team) -> None:
    (shown,) = team.call("owner", "GET", "/connections")[1]
    row = Connection.objects.get()
    for secret in (site.people[BOT].token, str(row.webhook_secret)):
        assert secret not in str(shown)
        assert secret not in str(list(AuditEntry.objects.values()))


def test_connecting_again_changes_the_credential_and_keeps_the_secret(
    site: GitHubSite, connection: str, team: Team
) -> None:
    secret = str(Connection.objects.get().webhook_secret)
    site.people[BOT].token = "renewed"
    status, answer = team.call("owner", "POST", "/connections", asked(site))
    assert status == 200 and answer["id"] == connection
    row = Connection.objects.get()
    assert (str(row.credential), str(row.webhook_secret)) == ("renewed", secret)
    assert team.call("owner", "POST", f"/connections/{connection}/test")[1]["login"] == BOT


def test_repositories_are_listed_and_chosen(
    site: GitHubSite, connection: str, team: Team, source: Path
) -> None:
    site.repository("acme/docs", source, admin=BOT)
    listed = team.call("owner", "GET", f"/connections/{connection}/repositories?search=SHO")[1]
    assert [(one["full_name"], one["project"]) for one in listed] == [(SHOP, "")]
    body = {"repositories": [SHOP, "acme/none", SHOP, "acme/docs"]}
    chosen = team.call("owner", "POST", f"/connections/{connection}/projects", body)[1]
    assert [one["full_name"] for one in chosen["projects"]] == [SHOP, "acme/docs"]
    assert [one["full_name"] for one in chosen["refused"]] == ["acme/none"]
    listed = team.call("owner", "GET", f"/connections/{connection}/repositories")[1]
    assert all(one["project"] for one in listed)
    assert team.call("owner", "POST", f"/connections/{connection}/projects", body)[1] == chosen
    assert waiting(Instruction.WEBHOOK)
    assert PostedComment.objects.count() == 0


def test_a_renamed_repository_is_the_same_project(
    site: GitHubSite, project: Project, forges: Forges, lanes: Lanes, source: Path
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    site.renamed(SHOP, "acme/store")
    handle()
    project.refresh_from_db()
    assert (project.full_name, project.slug) == ("acme/store", "shop")
    assert project.clone_url.endswith("/acme/store.git")
    compare(forges, project)
    # Somebody takes the name that is free now
    project.full_name = SHOP
    project.save()
    site.repository(SHOP, source, admin=BOT)
    site.open_pull(SHOP, "feature", author="ann")
    with pytest.raises(ForgeError, match="another repository now"):
        compare(forges, project)
    assert PullRequest.objects.filter(state="open").count() == 1
