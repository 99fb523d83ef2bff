"""What only GitLab does: pipelines, roles, sub-groups, tokens that end, webhooks that it switches off."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitlab.client import NotAllowed, server_url
from seatrial.control.forges.gitlab.forge import GitLabForge
from seatrial.control.forges.protocol import Commented, CommentReport, EvaluationReport
from seatrial.control.projects.events import PullRequestAction
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.states import EvaluationState
from tests.forges.hosts.gitlab import GitLabSite
from tests.forges.hosts.site import Comment, Hosted, Pull
from tests.repositories import repository

SHOP, BOT = "acme/web/shop", "seatrial-bot"  # in a sub-group
HOOK = "https://seatrial.test/api/v1/webhooks/gitlab/1"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "shop"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def site(tmp_path: Path, source: Path) -> Iterator[GitLabSite]:
    site = GitLabSite(tmp_path / "gitlab")
    for login in (BOT, "ann", "eve"):
        site.person(login)
    with site.serving():
        site.repository(SHOP, source, admin=BOT)
        yield site
    assert site.complaints == []


@pytest.fixture
def hosted(site: GitLabSite) -> Hosted:
    return site.repositories[SHOP]


@pytest.fixture
def project(site: GitLabSite, hosted: Hosted) -> Project:
    workspace = Workspace(slug="ours", name="Ours")
    connection = Connection(
        workspace=workspace, forge="gitlab", name="g", base_url=site.url, credential=site.people[BOT].token
    )
    return Project(
        workspace=workspace,
        connection=connection,
        name="shop",
        full_name=SHOP,
        external_id=str(hosted.id),
    )


@pytest.fixture
def forge(project: Project) -> GitLabForge:
    return GitLabForge(project.connection)


@pytest.fixture
def pull(site: GitLabSite, project: Project) -> Pull:
    return site.open_pull(SHOP, "feature", author="ann", title="Add a cart")


def verdict(pull: Pull, state: EvaluationState, description: str = "", **more: object) -> EvaluationReport:
    return EvaluationReport(
        commit=pull.head, state=state, description=description, page_url="https://s.test/1", **more
    )


@pytest.mark.parametrize(
    "typed", ["https://git.test/lab", "https://git.test/lab/", "https://git.test/lab/api/v4/"]
)
def test_the_address_may_name_the_api(typed: str) -> None:
    assert server_url(typed) == "https://git.test/lab"


def test_a_project_in_a_sub_group_is_found_by_its_whole_path(forge: GitLabForge, site: GitLabSite) -> None:
    found = forge.repository(SHOP)
    assert (found.full_name, found.name) == (SHOP, "shop")
    assert found.clone_url == f"{site.url}/{SHOP}.git"
    site.renamed(SHOP, "acme/store")
    assert forge.repository(SHOP).full_name == "acme/store"


def test_what_a_merge_request_is_compared_with_is_asked_for_once(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    first = forge.open_pull_requests(project)
    asked = len(site.asked)
    assert forge.open_pull_requests(project) == first and first[0].base_sha == pull.base
    assert len(site.asked) == asked + 1


def test_a_list_that_changed_while_it_was_read_closes_nothing(
    forge: GitLabForge, project: Project, site: GitLabSite
) -> None:
    following = '<http://x.test/api/v4/p?page=2>; rel="next"'
    site.faults.append(Response("[]", 200, {"X-Total": "150", "Link": following}))
    site.faults.append(Response("[]", 200, {"X-Total": "149"}))
    with pytest.raises(ForgeError, match="changed while it was read") as caught:
        forge.open_pull_requests(project)
    assert not caught.value.permanent


def test_one_merge_request_is_what_it_is_now(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    pull.draft, pull.labels = True, ["preview"]
    now = forge.pull_request(project, pull.number)
    assert now.draft and now.labels == ("preview",) and now.action is PullRequestAction.REOPENED
    assert (now.base_sha, now.changed_at) == (pull.base, pull.updated_at)
    site.close_pull(SHOP, pull.number, merged=True)
    now = forge.pull_request(project, pull.number)
    assert now.merged and now.action is PullRequestAction.CLOSED
    with pytest.raises(ForgeError) as caught:
        forge.pull_request(project, 99)
    assert caught.value.permanent


def test_a_status_that_is_there_is_not_sent_again(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    for state in (EvaluationState.QUEUED, EvaluationState.RUNNING, EvaluationState.PASSED):
        for _ in range(2):
            forge.report_evaluation(project, verdict(pull, state, number=pull.number))
    assert [one.state for one in hosted.statuses] == ["pending", "pending", "success"]
    (pipeline,) = site.pipelines
    assert [job.status for job in pipeline.jobs] == ["success"]


def test_a_transition_that_gitlab_forbids_is_no_problem(
    forge: GitLabForge, project: Project, hosted: Hosted, pull: Pull
) -> None:
    forge.report_evaluation(project, verdict(pull, EvaluationState.RUNNING))
    forge.report_evaluation(project, verdict(pull, EvaluationState.QUEUED))  # came late
    assert len(hosted.statuses) == 1


def test_a_verdict_that_changed_is_a_new_job_in_place_of_the_old_one(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    for state in (EvaluationState.FAILED, EvaluationState.QUEUED, EvaluationState.PASSED):
        forge.report_evaluation(project, verdict(pull, state))
    (pipeline,) = site.pipelines
    assert [(job.status, job.retried) for job in pipeline.jobs] == [("failed", True), ("success", False)]


@pytest.mark.parametrize("told", [True, False])
def test_a_status_goes_into_the_pipeline_of_the_merge_request(
    told: bool, forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    own = site.start_pipeline(hosted, pull)
    number = {"number": pull.number} if told else {}
    forge.report_evaluation(project, verdict(pull, EvaluationState.PASSED, **number))
    assert site.pipelines == [own] and [job.name for job in own.jobs] == ["seatrial/policies"]


def test_a_status_goes_to_the_commit_that_the_pipeline_runs_on(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    merged = site.start_pipeline(hosted, pull, sha=pull.base)  # GitLab made a commit of both branches
    for _ in range(2):
        forge.report_evaluation(project, verdict(pull, EvaluationState.PASSED, number=pull.number))
    assert site.pipelines == [merged] and len(merged.jobs) == 1


def test_what_was_begun_before_gitlab_made_its_pipeline_is_ended_too(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    forge.report_evaluation(project, verdict(pull, EvaluationState.QUEUED, number=pull.number))
    own = site.start_pipeline(hosted, pull)
    for state in (EvaluationState.RUNNING, EvaluationState.PASSED, EvaluationState.PASSED):
        forge.report_evaluation(project, verdict(pull, state, number=pull.number))
    earlier, latest = site.pipelines
    assert (earlier.source, latest) == ("external", own)
    assert [[job.status for job in one.jobs] for one in site.pipelines] == [["success"], ["success"]]


def test_a_status_of_an_earlier_commit_leaves_the_pipeline_alone(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    own = site.start_pipeline(hosted, pull)
    report = EvaluationReport(
        commit=pull.base,
        state=EvaluationState.PASSED,
        description="",
        page_url="https://s.test",
        number=pull.number,
    )
    forge.report_evaluation(project, report)
    assert own.jobs == [] and hosted.statuses[0].sha == pull.base


def test_a_verdict_that_gitlab_does_not_accept_is_a_problem_for_good(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    site.faults.extend([Response("[]"), Response("[]"), Response("Cannot transition status", 400)])
    with pytest.raises(ForgeError, match="400") as caught:
        forge.report_evaluation(project, verdict(pull, EvaluationState.PASSED))
    assert caught.value.permanent
    hidden = EvaluationReport(
        commit="a" * 40, state=EvaluationState.PASSED, description="", page_url="https://s.test"
    )
    with pytest.raises(ForgeError, match="or hides it") as caught:
        forge.report_evaluation(project, hidden)
    assert caught.value.permanent


def test_what_only_a_fork_has_gets_no_status_but_a_comment(
    forge: GitLabForge, project: Project, site: GitLabSite, tmp_path: Path
) -> None:
    of_eve = repository(tmp_path / "eve", {"c": "3"}, branch="of-eve")
    site.repository("eve/shop", of_eve, admin="eve")
    pull = site.open_pull(SHOP, "of-eve", author="eve", fork="eve/shop")
    with pytest.raises(ForgeError, match="only a fork has") as caught:
        forge.report_evaluation(project, verdict(pull, EvaluationState.PASSED, number=pull.number))
    assert caught.value.permanent
    forge.report_comment(project, CommentReport(number=pull.number, body="passed"))
    assert len(pull.comments) == 1


def test_when_a_token_ends_is_seen_coming(
    forge: GitLabForge, project: Project, site: GitLabSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forge.account().expires_at is None
    site.ends[BOT] = date(2026, 12, 31)
    assert forge.account().expires_at == datetime(2026, 12, 31, tzinfo=UTC)
    now = datetime(2026, 12, 30, 23, 30, tzinfo=UTC)
    monkeypatch.setattr(forge.client, "now", lambda: now)
    credential = forge.fetch_credential(project)
    assert credential is not None and credential.username == "oauth2"
    assert credential.expires_at == datetime(2026, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("version", "replaces"), [("16.9.11", False), ("16.10.0-ce.0", True), ("19.1.0", True)]
)
def test_an_account_says_what_its_token_may_do(
    forge: GitLabForge, site: GitLabSite, version: str, replaces: bool
) -> None:
    assert {one.name: one.given for one in forge.account().rights} == {
        "the scope api": True,
        "the role Maintainer": None,
        "to read which webhooks failed": True,
    }
    site.version = version
    site.ends[BOT] = date(2026, 12, 31)
    account = forge.account()
    assert account.version == f"GitLab {version}"
    assert account.rights[-1].name == "to be replaced before it ends" and account.rights[-1].given is replaces


def test_a_gitlab_that_tells_nothing_about_its_tokens_is_taken_as_it_is(
    forge: GitLabForge, site: GitLabSite
) -> None:
    person = {"id": 1, "username": BOT}
    site.faults.extend([Response(json.dumps(person)), Response("{}", 404), Response("{}", 404)])
    account = forge.account()
    assert (account.login, list(account.missing), account.expires_at) == (BOT, [], None)


def test_everybody_is_named_once_with_the_highest_role(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted
) -> None:
    project_of = Response(json.dumps(site._project(hosted, site.people[BOT])), 200)
    members = [
        {"id": 1, "username": "ann", "access_level": 20, "state": "active"},
        {"id": 1, "username": "ann", "access_level": 40, "state": "active"},
        {"id": 2, "username": "bob", "access_level": 35, "state": "active"},
        {"id": 3, "username": "cyd", "access_level": 50, "state": "blocked"},
        {"id": 4, "username": "dan", "access_level": 0, "state": "active"},
    ]
    site.faults.extend([project_of, Response(json.dumps(members), 200)])
    found = {one.username: one.role for one in forge.facts(project, "a" * 40).facts.members}
    assert found == {"ann": "maintainer", "bob": "developer", "dan": "no access"}


def test_only_who_may_push_may_write(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted
) -> None:
    hosted.members["ann"] = "read"
    assert not forge.may_write(project, "ann")
    hosted.members["ann"] = "write"
    assert forge.may_write(project, "ann") and forge.may_write(project, "ANN")
    assert not forge.may_write(project, "eve") and not forge.may_write(project, "nobody")


def test_an_order_is_acknowledged_once(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    pull.comments.append(Comment(next(site.ids), "ann", "/preview stop"))
    order = Commented(
        external_id=project.external_id,
        number=pull.number,
        comment=str(pull.comments[0].id),
        author="ann",
        body="/preview stop",
    )
    for done in (True, True, False):
        forge.acknowledge(project, order, done=done)
    assert pull.comments[0].reactions == {(BOT, "+1"), (BOT, "confused")}
    pull.comments.clear()
    forge.acknowledge(project, order, done=True)


@pytest.mark.parametrize("signs", [True, False])
def test_a_webhook_is_signed_where_gitlab_can(
    signs: bool, forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted
) -> None:
    site.signs = signs
    forge.ensure_webhook(project, HOOK, "secret")
    (webhook,) = hosted.webhooks
    assert webhook.secret == "secret" and (webhook.id in site.signing) is signs


def test_a_webhook_that_gitlab_gave_up_is_made_anew(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted
) -> None:
    dead = "http://127.0.0.1:1/hook"
    forge.ensure_webhook(project, dead, "secret")
    (first,) = hosted.webhooks
    for _ in range(4):
        site.open_pull(SHOP, "feature", author="ann")
    assert not first.active
    forge.ensure_webhook(project, dead, "secret")
    (second,) = hosted.webhooks
    assert second.active and second.id != first.id


def test_a_gitlab_that_sends_nothing_into_its_own_network_is_said_with_the_setting(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted
) -> None:
    site.local = False
    with pytest.raises(ForgeError, match="Network, Outbound requests") as caught:
        forge.ensure_webhook(project, HOOK, "secret")
    assert caught.value.permanent and HOOK in str(caught.value) and hosted.webhooks == []


def test_of_webhooks_to_the_same_address_one_stays(
    forge: GitLabForge, project: Project, hosted: Hosted
) -> None:
    forge.ensure_webhook(project, f"{HOOK}1", "secret")
    forge.ensure_webhook(project, f"{HOOK}2", "secret")
    hosted.webhooks[1].url = f"{HOOK}1"  # we died before the old one was removed
    forge.ensure_webhook(project, f"{HOOK}1", "secret")
    assert len(hosted.webhooks) == 1


def test_what_the_role_does_not_allow_is_said_and_may_pass(
    forge: GitLabForge, project: Project, hosted: Hosted
) -> None:
    hosted.members[BOT] = "write"
    with pytest.raises(NotAllowed, match=r"403 Forbidden for .*hooks: the token may not do this") as caught:
        forge.ensure_webhook(project, HOOK, "secret")
    assert not caught.value.permanent


def test_limits_are_kept_and_said(forge: GitLabForge, site: GitLabSite) -> None:
    site.left = 3
    forge.account()
    asked = len(site.asked)
    with pytest.raises(ForgeError) as caught:
        forge.account()
    assert caught.value.retry_after_seconds > 3000 and len(site.asked) == asked
