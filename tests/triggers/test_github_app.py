"""A GitHub App the whole way: connected, webhooks in, check runs and deployments out, buttons, suspended and back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.github.app import app_of
from seatrial.control.forges.github.needs import EVENTS, permissions
from seatrial.control.forges.models import Delivery, Hook
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.previews import lifecycle
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Connection, Project, PullRequest
from seatrial.control.triggers.checks import carry_out
from seatrial.control.worker.sweeps import sweep_forges
from seatrial.wire.evaluations import EvaluationFinished, PolicyResult
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.github_apps import App, Installation, key, pem_of
from tests.forges.hosts.site import Pull
from tests.repositories import commit
from tests.triggers.hosted import SHOP, Team
from tests.triggers.test_connection_pages import signed_in
from tests.triggers.test_hosted import handle

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]
POLICIES, PREVIEW = "seatrial/policies", "seatrial/preview"


@pytest.fixture
def app(site: GitHubSite) -> App:
    return site.apps.create("trial", permissions=permissions(), events=EVENTS)


@pytest.fixture
def installation(site: GitHubSite, app: App) -> Installation:
    return site.apps.install(app, site.repositories[SHOP])


def asked_for(site: GitHubSite, app: App, **changes: Any) -> dict[str, Any]:
    return {"app_id": app.id, "private_key": app.pem, "base_url": site.url, **changes}


@pytest.fixture
def project(site: GitHubSite, team: Team, app: App, installation: Installation, lanes: Lanes) -> Project:
    status, answer = team.call("owner", "POST", "/github/apps", asked_for(site, app))
    assert status == 200, answer
    account = answer["account"]
    assert (account["login"], account["missing"], account["expires_at"]) == ("trial[bot]", [], None)
    assert account["rights"] and all(right["given"] for right in account["rights"]), "as for every connection"
    body = {"repositories": [SHOP]}
    status, chosen = team.call("owner", "POST", f"/connections/{answer['id']}/projects", body)
    assert status == 200 and not chosen["refused"], chosen
    lanes()
    return Project.objects.get()


@pytest.fixture
def pull(site: GitHubSite, project: Project, lanes: Lanes) -> Pull:
    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    handle()
    lanes()
    return pull


def finish(evaluation: Evaluation, state: str = "passed", details: dict[str, Any] | None = None) -> None:
    version = evaluation.versions.get()
    result = PolicyResult(
        version_id=version.pk, slug=version.policy.slug, state=state, score=10.0, details=details or {}
    )
    policies.finished("agent", EvaluationFinished(evaluation=evaluation.pk, state=state, results=[result]))


def go_live(environment: Environment) -> None:
    """As if its agent had said so."""
    Deployment.objects.filter(environment=environment, finished_at=None).update(ready_at=timezone.now())
    current = lifecycle.locked(environment.pk)
    assert current is not None
    current.candidate.services = [
        {"name": "web", "kind": "web", "state": "running", "labels": [environment.name], "endpoint": "http://127.0.0.1:1", "container": "c"}
    ]  # fmt: skip
    lifecycle.go_live(current)


# connecting by pasted credentials


def test_an_app_that_is_refused_or_lacks_something_is_not_kept(
    site: GitHubSite, team: Team, app: App
) -> None:
    for changes, said in (
        ({"app_id": app.id + 1}, "401"),
        ({"private_key": pem_of(key(9))}, "401"),
        ({"private_key": "secret"}, "no private key"),
        ({"base_url": "nowhere"}, "no address"),
        ({"base_url": "http://127.0.0.1:1"}, "does not answer"),
    ):
        status, answer = team.call("owner", "POST", "/github/apps", asked_for(site, app, **changes))
        assert status == 400 and said in answer["error"]["message"], (changes, answer)
        assert "PRIVATE KEY" not in str(answer) and "secret" not in answer["error"]["message"]
    status, answer = team.call(
        "owner", "POST", "/github/apps", asked_for(site, app, private_key="secret" * 9000)
    )
    assert status in {400, 422} and "secret" * 5 not in str(answer)
    del app.permissions["checks"]
    status, answer = team.call("owner", "POST", "/github/apps", asked_for(site, app))
    assert status == 400 and "lacks the permission Checks (write)" in answer["error"]["message"]
    assert not Connection.objects.exists()


def test_the_key_is_sealed_and_shown_to_nobody(project: Project, team: Team, app: App) -> None:
    row = Connection.objects.get()
    assert row.name.startswith("trial at 127.0.0.1:")
    opened = app_of(str(row.credential))
    assert opened is not None and (opened.slug, opened.private_key) == ("trial", app.pem)
    assert "BEGIN" not in repr(row.__dict__)
    browser = signed_in(team, "owner")
    shown = [
        str(team.call("owner", "GET", "/connections")[1]),
        browser.get(f"/connections/{row.pk}").content.decode(),
        str(list(AuditEntry.objects.values())),
    ]
    assert "Replace private key" in shown[1]
    assert all("BEGIN" not in one and app.webhook.secret not in one for one in shown)


def test_a_new_key_is_tried_before_it_replaces_the_old_one(
    project: Project, team: Team, app: App, site: GitHubSite
) -> None:
    row = Connection.objects.get()
    path = f"/github/apps/{row.pk}/private-key"
    old, new = app.pem, pem_of(key(11))
    status, answer = team.call("owner", "POST", path, {"private_key": new})
    assert status == 400 and "401" in answer["error"]["message"]
    app.keys.append(key(11))
    assert team.call("owner", "POST", path, {"private_key": new})[0] == 200
    app.keys.remove(app.keys[0])
    row.refresh_from_db()
    opened = app_of(str(row.credential))
    assert opened is not None and opened.private_key == new != old
    assert team.call("owner", "POST", f"/connections/{row.pk}/test")[1]["login"] == "trial[bot]"
    browser = signed_in(team, "owner")
    app.keys.append(key(12))
    answer = browser.post(f"/connections/{row.pk}/private-key", {"private_key": "nonsense"}, follow=True)
    assert "no private key" in answer.content.decode() and "nonsense" not in answer.content.decode()
    answer = browser.post(f"/connections/{row.pk}/private-key", {"private_key": app.pem}, follow=True)
    assert "new private key is in use" in answer.content.decode()


def test_the_wrong_person_can_do_none_of_it(project: Project, team: Team, app: App, site: GitHubSite) -> None:
    row = Connection.objects.get()
    asked_before = len(site.asked)
    for who in ("developer", "stranger"):
        for path, body in (
            ("/github/apps", asked_for(site, app, workspace="team")),
            (f"/github/apps/{row.pk}/private-key", {"private_key": app.pem}),
        ):
            assert team.call(who, "POST", path, body)[0] in {403, 404}, (who, path)
        browser = signed_in(team, who)
        for method, page in (
            ("get", f"/connections/{row.pk}/private-key"),
            ("post", f"/connections/{row.pk}/private-key"),
            ("get", f"/connections/{row.pk}/installed"),
        ):
            assert getattr(browser, method)(page, {"private_key": app.pem}).status_code in {403, 404}, page
    developer = signed_in(team, "developer")
    for method, page in (
        ("get", "/connections/github-app"),
        ("post", "/connections/github-app"),
        ("post", "/connections/github-app/create"),
        ("get", "/connections/github-app/made"),
    ):
        assert getattr(developer, method)(page).status_code == 403, page
    assert len(site.asked) == asked_before and Connection.objects.count() == 1


# webhooks in, reports out


def test_a_pull_request_gets_check_runs_a_deployment_and_one_comment(
    site: GitHubSite, project: Project, pull: Pull, lanes: Lanes, source: Path, app: App
) -> None:
    assert app.webhook.url == hooks.address(project.connection) and Hook.objects.get().problem == ""
    assert {one["name"]: one["status"] for one in site.reports.runs} == {
        POLICIES: "queued",
        PREVIEW: "queued",
    }
    details = {"findings": [{"file": "a.py", "line": 3, "kind": "token"}, {"file": "a.py"}, "x"]}
    finish(Evaluation.objects.get(), "failed", details)
    environment = Environment.objects.get()
    go_live(environment)
    lanes()
    run = site.reports.run(POLICIES, pull.head)
    assert run["conclusion"] == "failure" and "| `has-readme` | failed |" in run["output"]["summary"]
    (found,) = run["_annotations"]
    assert (found["path"], found["start_line"], found["message"]) == ("a.py", 3, "kind: token")
    assert site.reports.run(PREVIEW, pull.head)["conclusion"] == "success"
    (deployment,) = site.reports.deployments
    assert deployment["environment"] == environment.name
    assert deployment["_states"][-1]["environment_url"].startswith("http")
    (comment,) = pull.comments
    assert comment.author == "trial[bot]" and "Policies: failed" in comment.body
    assert not site.repositories[SHOP].statuses and not site.repositories[SHOP].webhooks
    site.close_pull(SHOP, pull.number, merged=True)
    handle()
    lanes()
    assert deployment["_states"][-1]["state"] == "inactive"
    assert set(Delivery.objects.values_list("result", flat=True)) == {"accepted"}


def test_what_a_newer_commit_replaced_is_neutral(
    site: GitHubSite, pull: Pull, lanes: Lanes, source: Path
) -> None:
    first = pull.head
    commit(source, {"b": "2"})
    site.push(SHOP, source, "feature")
    handle()
    lanes()
    assert site.reports.run(POLICIES, first)["conclusion"] == "neutral"
    assert site.reports.run(POLICIES, pull.head)["status"] == "queued"


def test_a_preview_that_ends_without_its_pull_request_is_inactive(
    site: GitHubSite, pull: Pull, lanes: Lanes
) -> None:
    environment = Environment.objects.get()
    go_live(environment)
    lanes()
    previews.stop(environment, Actor.person("ann"))
    lanes()
    assert site.reports.deployments[0]["_states"][-1]["state"] == "inactive"
    previews.undo(environment, Actor.person("ann"))
    lanes()
    assert site.reports.deployments[0]["_states"][-1]["state"] == "success"
    Environment.objects.update(expires_at=timezone.now())
    previews.expire()
    lanes()
    assert site.reports.deployments[0]["_states"][-1]["state"] == "inactive"


def test_buttons_do_what_they_say_once(site: GitHubSite, pull: Pull, lanes: Lanes) -> None:
    site.repositories[SHOP].members["ann"] = "write"
    finish(Evaluation.objects.get())
    go_live(Environment.objects.get())
    lanes()
    policies_run, preview_run = site.reports.run(POLICIES, pull.head), site.reports.run(PREVIEW, pull.head)
    site.reports.press(policies_run, "rerun", "ann")
    handle()
    lanes()
    assert Evaluation.objects.count() == 2
    site.reports.press(preview_run, "rebuild", "ann")
    handle()
    lanes()
    assert Deployment.objects.count() == 2 and Deployment.objects.latest("id").no_cache
    site.reports.rerequest(policies_run, "ann")  # while one is in progress
    handle()
    lanes()
    assert Evaluation.objects.count() == 2
    finish(Evaluation.objects.latest("id"))
    site.reports.rerequest_all(site.repositories[SHOP], pull.head, "ann")
    handle()
    lanes()
    assert (Evaluation.objects.count(), Deployment.objects.count()) == (3, 3)
    go_live(Environment.objects.get())
    lanes()
    site.reports.press(site.reports.run(PREVIEW, pull.head), "stop", "ann")
    handle()
    lanes()
    assert Environment.objects.get().state == "stopped"
    finish(Evaluation.objects.latest("id"))
    lanes()
    lanes()  # what was asked for is reported after it was done
    assert {site.reports.run(name, pull.head)["status"] for name in (POLICIES, PREVIEW)} == {"completed"}
    assert "ann at trial" in str(list(AuditEntry.objects.values_list("actor", flat=True)))


def test_an_order_that_is_carried_out_twice_has_one_effect(
    site: GitHubSite, pull: Pull, lanes: Lanes, forges: Forges
) -> None:
    site.repositories[SHOP].members["ann"] = "write"
    finish(Evaluation.objects.get())
    lanes()
    site.reports.press(site.reports.run(POLICIES, pull.head), "rerun", "ann")
    handle()
    body = OutboxMessage.objects.get(subject="check").body
    carry_out(forges, body)
    finish(Evaluation.objects.latest("id"))
    carry_out(forges, body)
    assert Evaluation.objects.count() == 2


def test_who_may_not_write_gives_no_orders(site: GitHubSite, pull: Pull, lanes: Lanes) -> None:
    finish(Evaluation.objects.get())
    lanes()
    run = site.reports.run(POLICIES, pull.head)
    for nobody in ("mallory", ""):
        site.reports.press(run, "rerun", nobody)
    site.repositories[SHOP].members["reader"] = "read"
    site.reports.press(run, "rerun", "reader")
    site.reports.rerequest(run, "reader")
    handle()
    assert run["conclusion"] is None
    lanes()
    lanes()  # what was asked for is reported after it was done
    assert Evaluation.objects.count() == 1
    assert run["conclusion"] == "success"  # nobody waits for what will not come


def test_orders_at_an_older_commit_do_not_touch_the_preview(
    site: GitHubSite, pull: Pull, lanes: Lanes, source: Path
) -> None:
    site.repositories[SHOP].members["ann"] = "write"
    go_live(Environment.objects.get())
    lanes()
    old = site.reports.run(PREVIEW, pull.head)
    commit(source, {"b": "2"})
    site.push(SHOP, source, "feature")
    handle()
    lanes()
    for identifier in ("stop", "rebuild"):
        site.reports.press(old, identifier, "ann")
    handle()
    lanes()
    assert Environment.objects.get().state == "running" and Deployment.objects.count() == 2


# the installation


def test_suspended_and_back(
    site: GitHubSite, project: Project, pull: Pull, installation: Installation, forges: Forges
) -> None:
    site.apps.suspend(installation)
    handle()
    project.refresh_from_db()
    assert "suspended" in project.unreachable
    for _ in range(2):
        sweep_forges(forges)
    project.refresh_from_db()
    assert "suspended" in project.unreachable
    site.apps.suspend(installation, suspended=False)
    handle()
    project.refresh_from_db()
    assert project.unreachable == ""
    sweep_forges(forges)
    project.refresh_from_db()
    assert project.unreachable == "" and PullRequest.objects.get().state == "open"


def test_taken_out_and_removed_keeps_the_data_and_says_why(
    site: GitHubSite,
    project: Project,
    pull: Pull,
    installation: Installation,
    app: App,
    forges: Forges,
    lanes: Lanes,
) -> None:
    hosted = site.repositories[SHOP]
    for act, said in (
        (lambda: site.apps.take_out(installation, hosted), "taken out"),
        (lambda: site.apps.put_in(installation, hosted), ""),
        (lambda: site.apps.uninstall(installation), "not installed"),
    ):
        act()
        handle()
        project.refresh_from_db()
        assert said in project.unreachable and bool(said) == bool(project.unreachable)
        for _ in range(2):
            sweep_forges(forges)
        project.refresh_from_db()
        assert bool(said) == bool(project.unreachable)
    assert Environment.objects.get().state != "terminated" and Result.objects.count() == 0
    assert PullRequest.objects.get().state == "open"
    site.apps.install(app, hosted)
    handle()
    sweep_forges(forges)
    project.refresh_from_db()
    assert project.unreachable == ""


def test_an_installation_of_somebody_else_changes_nothing(
    site: GitHubSite, project: Project, app: App, source: Path
) -> None:
    other = site.apps.install(app, site.repository("umbrella/shop", source, admin="ann"))
    site.apps.suspend(other)
    handle()
    project.refresh_from_db()
    assert project.unreachable == ""
    assert {one.outcome for one in Delivery.objects.all()} == {"ignored: it is about no project"}


# secrets


def test_rotating_the_webhook_secret_sets_it_at_the_app(
    site: GitHubSite, project: Project, app: App, lanes: Lanes, team: Team
) -> None:
    before = app.webhook.secret
    signed_in(team, "owner").post(f"/connections/{project.connection_id}/rotate")
    lanes()
    assert app.webhook.secret != before and app.webhook.secret == str(Connection.objects.get().webhook_secret)
    site.open_pull(SHOP, "feature", author="ann")
    assert Delivery.objects.latest("id").result == "accepted"
