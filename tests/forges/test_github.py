"""GitHub's side of the protocol, against a GitHub that holds both sides to GitHub's published schemas."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.errors import ForgeError, Limited
from seatrial.control.forges.github import limits
from seatrial.control.forges.github.client import api_url
from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.forges.protocol import (
    CommentReport,
    DeploymentReport,
    EvaluationReport,
    HostedForge,
)
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.states import DeploymentState, EvaluationState
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Comment, Hosted
from tests.repositories import repository

SHOP = "acme/shop"
HOOK = "https://seatrial.test/api/v1/webhooks/github/1"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "shop"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def site(tmp_path: Path, source: Path) -> Iterator[GitHubSite]:
    site = GitHubSite(tmp_path / "github")
    site.person("seatrial-bot")
    site.person("ann")
    with site.serving():
        site.repository(SHOP, source, admin="seatrial-bot")
        yield site
    assert site.complaints == []


@pytest.fixture
def project(site: GitHubSite) -> Project:
    workspace = Workspace(slug="ours", name="Ours")
    connection = Connection(
        workspace=workspace,
        forge="github",
        name="g",
        base_url=site.url,
        credential=site.people["seatrial-bot"].token,
    )
    return Project(
        workspace=workspace,
        connection=connection,
        name="shop",
        full_name=SHOP,
        external_id=str(site.repositories[SHOP].id),
    )


@pytest.fixture
def forge(project: Project) -> GitHubForge:
    return GitHubForge(project.connection)


def test_github_is_a_hosted_forge(forge: GitHubForge) -> None:
    assert isinstance(forge, HostedForge)


@pytest.mark.parametrize(
    ("typed", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://api.github.com/", "https://api.github.com"),
        ("https://git.corp.test", "https://git.corp.test/api/v3"),
        ("https://git.corp.test:8443/api/v3/", "https://git.corp.test:8443/api/v3"),
    ],
)
def test_the_api_is_where_the_host_has_it(typed: str, api: str) -> None:
    assert api_url(typed) == api


def test_the_account_and_what_its_token_lacks(forge: GitHubForge, site: GitHubSite) -> None:
    assert (forge.account().login, list(forge.account().missing)) == ("seatrial-bot", [])
    site.people["seatrial-bot"].scopes = "read:user"
    assert "repo" in forge.account().missing[0]


def test_a_wrong_token_is_a_problem_that_may_pass(forge: GitHubForge, site: GitHubSite) -> None:
    site.people["seatrial-bot"].token = "another"
    with pytest.raises(ForgeError, match="401") as caught:
        forge.account()
    assert not caught.value.permanent


def test_every_page_of_repositories_is_read(forge: GitHubForge, site: GitHubSite) -> None:
    for number in range(230):
        name = f"r{number:03}"
        site.repositories[f"acme/{name}"] = Hosted(number, "acme", name, site.root, {"seatrial-bot": "write"})
    names = [one.full_name for one in forge.repositories()]
    assert len(names) == len(set(names)) == 231
    assert forge.repository(SHOP).manageable and not forge.repository("acme/r001").manageable


def test_a_renamed_repository_is_followed_and_another_host_is_not(
    forge: GitHubForge, site: GitHubSite
) -> None:
    site.renamed(SHOP, "acme/store")
    assert forge.repository(SHOP).full_name == "acme/store"
    site.faults.append(Response("", 301, {"Location": "http://127.0.0.1:1/api/v3/user"}))
    with pytest.raises(ForgeError, match="another host"):
        forge.repository(SHOP)


def test_open_pull_requests_are_those_that_are_open_now(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    first = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    second = site.open_pull(SHOP, "feature", author="ann")
    site.close_pull(SHOP, second.number)
    (event,) = forge.open_pull_requests(project)
    assert (event.number, event.head_sha, event.title) == (first.number, first.head, "Add a cart")
    assert (event.author, event.from_fork, event.branch) == ("ann", False, "feature")


def test_facts_are_read_once_and_asked_for_again_with_etags(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    facts = forge.facts(project, "a" * 40).facts
    assert facts.default_branch == "main" and facts.topics == ["shop"]
    assert [(one.username, one.role) for one in facts.members] == [("seatrial-bot", "admin")]
    left = site.left
    assert forge.facts(project, "b" * 40).facts == facts
    assert site.left == left  # unchanged answers cost nothing


def test_somebody_who_may_not_see_collaborators_gets_the_other_facts(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    site.repositories[SHOP].members["seatrial-bot"] = "read"
    assert forge.facts(project, "a" * 40).facts.members == []


def test_statuses_have_stable_names_and_fit(forge: GitHubForge, project: Project, site: GitHubSite) -> None:
    commit = site.open_pull(SHOP, "feature", author="ann").head
    forge.report_evaluation(
        project,
        EvaluationReport(
            commit=commit,
            state=EvaluationState.FAILED,
            description="line\n" * 100,
            page_url="https://s.test/1",
        ),
    )
    forge.report_deployment(
        project,
        DeploymentReport(
            number=1,
            commit=commit,
            state=DeploymentState.LIVE,
            description="live",
            page_url="https://s.test/2",
            urls={"web": "https://web.test"},
        ),
    )
    shown = [(one["context"], one["state"], one["target_url"]) for one in site.repositories[SHOP].statuses]
    assert shown == [
        ("seatrial/policies", "failure", "https://s.test/1"),
        ("seatrial/preview", "success", "https://web.test"),
    ]


@pytest.mark.parametrize("state", list(EvaluationState))
def test_every_verdict_has_a_status(
    state: EvaluationState, forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    forge.report_evaluation(
        project, EvaluationReport(commit="a" * 40, state=state, description="", page_url="https://s.test")
    )
    assert len(site.repositories[SHOP].statuses) == 1


@pytest.mark.parametrize("state", list(DeploymentState))
def test_every_state_of_a_preview_has_a_status(
    state: DeploymentState, forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    forge.report_deployment(
        project,
        DeploymentReport(
            number=1, commit="a" * 40, state=state, description="", page_url="https://s.test", urls={}
        ),
    )
    assert len(site.repositories[SHOP].statuses) == 1


def test_there_is_one_comment_whatever_was_lost(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    first = forge.report_comment(project, CommentReport(number=pull.number, body="one"))
    # The id was lost, and somebody quoted us
    pull.comments.insert(0, Comment(next(site.ids), "ann", pull.comments[0].body))
    again = forge.report_comment(project, CommentReport(number=pull.number, body="two"))
    assert again == first
    forge.report_comment(project, CommentReport(number=pull.number, body="three", known=first))
    quoted, ours = pull.comments
    assert (ours.author, ours.edits) == ("seatrial-bot", 2) and ours.body.startswith("three")
    assert quoted.body.startswith("one")
    pull.comments.remove(ours)  # deleted by hand
    made = forge.report_comment(project, CommentReport(number=pull.number, body="four", known=first))
    assert made != first and [one.body[:5] for one in pull.comments if one.author == "seatrial-bot"] == [
        "four\n"
    ]


def test_a_webhook_is_made_once_healed_and_removed(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    webhooks = site.repositories[SHOP].webhooks
    forge.ensure_webhook(project, HOOK, "first")
    (made,) = webhooks
    assert made.active and made.secret == "first" and {"push", "pull_request"} <= set(made.events)
    made.active, made.events = False, ["push"]  # somebody switched it off
    forge.ensure_webhook(project, HOOK, "second")
    assert webhooks == [made] and made.active and made.secret == "second" and "pull_request" in made.events
    forge.ensure_webhook(project, f"{HOOK}2", "other")
    forge.remove_webhook(project, HOOK)
    assert [one.url for one in webhooks] == [f"{HOOK}2"]
    del site.repositories[SHOP]
    forge.remove_webhook(project, HOOK)


def test_what_a_token_may_not_manage_is_said(forge: GitHubForge, project: Project, site: GitHubSite) -> None:
    site.repositories[SHOP].members["seatrial-bot"] = "write"
    with pytest.raises(ForgeError, match=f"nothing at /api/v3/repos/{SHOP}/hooks, or hides it") as caught:
        forge.ensure_webhook(project, HOOK, "s")
    assert caught.value.permanent


def test_limits_are_kept_and_said(forge: GitHubForge, project: Project, site: GitHubSite) -> None:
    site.left = 1
    forge.account()
    asked = len(site.asked)
    with pytest.raises(ForgeError) as caught:
        forge.account()
        forge.facts(project, "a" * 40)
    assert caught.value.retry_after_seconds > 3000
    assert len(site.asked) <= asked + 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, 60),
        ({"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": str(int(time.time()) + 900)}, 60),
        ({"Retry-After": formatdate(time.time() + 7200, usegmt=True)}, 3600),
        ({"Retry-After": "soon"}, 60),
    ],
)
def test_a_refusal_for_coming_too_often_is_obeyed_however_it_names_its_time(
    forge: GitHubForge, site: GitHubSite, headers: dict[str, str], wait: float
) -> None:
    text = '{"message": "You have exceeded a secondary rate limit. Please wait a few minutes"}'
    site.faults.append(Response(text, 403, headers))
    with pytest.raises(Limited) as caught:
        forge.account()
    assert wait - 1 < caught.value.retry_after_seconds <= wait
    with pytest.raises(Limited):
        forge.account()
    assert len(site.asked) == 1


def test_github_com_has_a_pace_and_an_enterprise_server_has_not() -> None:
    assert limits.pace(api_url("https://github.com")) is limits.PACE
    assert limits.pace(api_url("https://git.corp.test")) is None


def test_a_secondary_limit_stops_everything_for_as_long_as_it_says(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    site.faults.append(
        Response('{"message": "You have exceeded a secondary rate limit"}', 403, {"Retry-After": "30"})
    )
    with pytest.raises(ForgeError) as caught:
        forge.account()
    assert 29 < caught.value.retry_after_seconds <= 30 and not caught.value.permanent
    with pytest.raises(ForgeError):
        forge.repository(SHOP)
    assert len(site.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_nothing_is_retried_here(status: int, forge: GitHubForge, site: GitHubSite) -> None:
    site.faults.append(Response("<html>sorry</html>", status))
    with pytest.raises(ForgeError, match=str(status)) as caught:
        forge.account()
    assert not caught.value.permanent and len(site.asked) == 1


def test_answers_that_are_none_are_said(forge: GitHubForge, site: GitHubSite) -> None:
    site.faults.extend([Response("<html>", 200), Response("[]", 200), Response('{"message": "x"}', 200)])
    for _ in range(3):
        with pytest.raises(ForgeError, match="/api/v3/user"):
            forge.account()


def test_a_credential_fetches_and_ends(forge: GitHubForge, project: Project, site: GitHubSite) -> None:
    credential = forge.fetch_credential(project)
    assert credential is not None and credential.password == site.people["seatrial-bot"].token
    assert "token-of" not in repr(credential)
    assert (credential.expires_at - datetime.now(UTC)).total_seconds() < 3700
