"""Pull requests from forks: nothing of them is built before somebody who may write has approved that very commit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews import services as previews
from seatrial.control.previews.errors import PreviewWithheld
from seatrial.control.previews.models import Environment
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.models import Project, PullRequest
from tests.forges.hosts import happenings
from tests.forges.hosts.site import Pull
from tests.repositories import commit
from tests.triggers.hosted import BOT, SHOP, DeliveringHere, Team, handle, project

__all__ = ["project"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


@pytest.fixture
def settle(lanes: Lanes) -> Lanes:
    def run() -> None:
        handle()
        lanes()

    return run


@pytest.fixture
def pull(site: DeliveringHere, project: Project, settle: Lanes, source: Path) -> Pull:
    site.repositories[SHOP].members["ann"] = "write"
    site.person("mallory")
    site.repository("mallory/shop", source, admin="mallory")
    pull = site.open_pull(SHOP, "feature", author="mallory", fork="mallory/shop")
    settle()
    return pull


def living() -> list[str]:
    rows = Environment.objects.exclude(state="terminated").select_related("candidate")
    return [row.candidate.commit for row in rows if row.candidate is not None]


def approve(team: Team, who: str, project: Project, number: int, sha: str) -> tuple[int, Any]:
    path = f"/projects/{project.pk}/pulls/{number}/approve"
    return team.call(who, "POST", path, {"commit": sha})


def test_it_is_evaluated_and_not_built_and_everybody_is_told_what_to_do(
    site: DeliveringHere, project: Project, team: Team, pull: Pull
) -> None:
    assert living() == [] and Evaluation.objects.get().state == "queued"
    (told,) = pull.comments
    assert "No preview:" in told.body and f"`/preview approve {pull.head[:10]}`" in told.body
    shown = {one.context: one.state for one in site.repositories[SHOP].statuses}
    assert shown["seatrial/preview"] == "success", "a required name must not stay open for ever"
    status, answer = team.call("developer", "GET", f"/projects/{project.pk}/pulls/{pull.number}")
    assert status == 200 and (answer["withheld"], answer["from_fork"], answer["approved"]) == (
        "fork",
        True,
        False,
    )
    assert "approve this commit" in answer["fix"] and answer["commit"] == pull.head


@pytest.mark.parametrize("which", ["github", "gitlab", "gitea"])
def test_an_approval_is_for_one_commit_and_gone_with_the_next_push(
    site: DeliveringHere, project: Project, team: Team, pull: Pull, settle: Lanes, source: Path
) -> None:
    status, answer = approve(team, "developer", project, pull.number, pull.head)
    assert status == 200 and answer["approved"] and answer["withheld"] == ""
    assert living() == [pull.head]
    entry = AuditEntry.objects.get(action="pull_request.approve")
    assert entry.details == {"commit": pull.head, "author": "mallory"}
    approve(team, "developer", project, pull.number, pull.head)
    assert AuditEntry.objects.filter(action="pull_request.approve").count() == 1
    commit(source, {"evil": "1"})
    site.push(SHOP, source, "feature")
    settle()
    assert living() == [] and not PullRequest.objects.get().approved
    settle()
    assert living() == []


def test_what_was_pushed_while_somebody_read_is_not_approved(
    site: DeliveringHere, project: Project, team: Team, pull: Pull, settle: Lanes, source: Path
) -> None:
    seen = pull.head
    commit(source, {"evil": "1"})
    site.push(SHOP, source, "feature")
    settle()
    status, answer = approve(team, "owner", project, pull.number, seen)
    assert (status, answer["error"]["code"]) == (409, "another_commit")
    assert pull.head[:10] in answer["error"]["message"] and living() == []


def test_only_some_may_approve(project: Project, team: Team, pull: Pull) -> None:
    assert approve(team, "stranger", project, pull.number, pull.head)[0] == 404
    assert approve(team, "viewer", project, pull.number, pull.head)[0] == 403
    assert living() == []
    page = f"/projects/{project.pk}/pulls/{pull.number}/approve"
    for who, status in (("stranger", 404), ("viewer", 403)):
        client = Client()
        client.force_login(team.people[who])
        assert client.get(page).status_code == client.post(page, {"commit": pull.head}).status_code == status
    assert living() == []


def test_the_page_approves_the_commit_that_it_showed(
    site: DeliveringHere, project: Project, team: Team, pull: Pull, settle: Lanes, source: Path
) -> None:
    client = Client()
    client.force_login(team.people["developer"])
    assert f"Approve {pull.head[:10]}" in client.get(f"/projects/{project.pk}").content.decode()
    page = f"/projects/{project.pk}/pulls/{pull.number}/approve"
    assert f'name="commit" value="{pull.head}"' in client.get(page).content.decode()
    shown = pull.head
    commit(source, {"evil": "1"})
    site.push(SHOP, source, "feature")
    settle()
    said = client.post(page, {"commit": shown}, follow=True).content.decode()
    assert "Read what was pushed since" in said and living() == []
    client.post(page, {"commit": pull.head})
    assert living() == [pull.head]


@pytest.mark.parametrize(
    ("order", "built"),
    [("/preview approve", True), ("/preview approve {sha}", True), ("/preview approve 0000000", False)],
)
def test_a_comment_approves_the_commit_that_it_is_about(
    site: DeliveringHere, pull: Pull, settle: Lanes, order: str, built: bool
) -> None:
    written = happenings.comment(site, SHOP, pull.number, "ann", order.format(sha=pull.head[:10]))
    settle()
    assert living() == ([pull.head] if built else [])
    assert written.reactions == {(BOT, "+1" if built else "confused")}
    if built:
        assert AuditEntry.objects.get(action="pull_request.approve").actor.startswith("ann (forge:")


def test_a_comment_approves_nothing_that_is_pushed_after_it(
    site: DeliveringHere, pull: Pull, settle: Lanes, source: Path
) -> None:
    written = happenings.comment(site, SHOP, pull.number, "ann", "/preview approve")
    handle()
    commit(source, {"evil": "1"})
    site.push(SHOP, source, "feature")
    settle()
    assert living() == [] and written.reactions == {(BOT, "confused")}


def test_whoever_opened_it_cannot_approve_it(site: DeliveringHere, pull: Pull, settle: Lanes) -> None:
    written = happenings.comment(site, SHOP, pull.number, "mallory", "/preview approve")
    settle()
    assert living() == [] and written.reactions == {(BOT, "confused")}


def test_nothing_else_builds_it(site: DeliveringHere, project: Project, team: Team, pull: Pull, settle: Lanes, source: Path) -> None:  # fmt: skip
    approve(team, "developer", project, pull.number, pull.head)
    environment = Environment.objects.get()
    commit(source, {"evil": "1"})
    site.push(SHOP, source, "feature")
    settle()
    with pytest.raises(PreviewWithheld, match="nobody has approved this commit"):
        previews.rebuild(environment, by=Actor.person("ann"))
    happenings.label(site, SHOP, pull.number, "preview")
    settle()
    assert living() == []


def test_a_project_may_take_the_risk(project: Project, pull: Pull, settle: Lanes) -> None:
    change_project(project, by=Actor.person("ann"), previews_of_forks=True)
    settle()
    assert living() == [pull.head]


def test_an_event_that_comes_at_the_same_time_keeps_the_approval(
    site: DeliveringHere, project: Project, team: Team, pull: Pull, settle: Lanes
) -> None:
    approve(team, "developer", project, pull.number, pull.head)
    happenings.edit(site, SHOP, pull.number, title="Another title")
    settle()
    assert PullRequest.objects.get().approved and living() == [pull.head]


def test_what_is_no_fork_needs_no_approval(
    site: DeliveringHere, project: Project, team: Team, settle: Lanes
) -> None:
    own = site.open_pull(SHOP, "feature", author="ann")
    settle()
    status, answer = approve(team, "developer", project, own.number, own.head)
    assert (status, answer["error"]["code"]) == (409, "nothing_to_approve")
