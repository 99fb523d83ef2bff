"""What every forge on a server of its own must do, for each kind, against a site that holds both sides to what is published."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.connected import hosted
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.oauth.pair import OAuthPair
from seatrial.control.forges.protocol import (
    Asked,
    CommentReport,
    EvaluationReport,
    HostedForge,
    PreviewReport,
)
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.states import DeploymentState, EvaluationState
from tests.forges.hosts.branches import Protection
from tests.forges.hosts.kinds import COUNTING, SITES
from tests.forges.hosts.oauth import OAuthSite
from tests.forges.hosts.site import Comment, Hosted, Site
from tests.repositories import git, repository

SHOP, BOT = "acme/shop", "seatrial-bot"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "shop"
    repository(path, {"a": "1"})
    return path


@pytest.fixture(params=SITES)
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(which: str, tmp_path: Path, source: Path) -> Iterator[Site]:
    site = SITES[which](tmp_path / which)
    site.person(BOT)
    site.person("ann")
    with site.serving():
        site.repository(SHOP, source, admin=BOT)
        yield site
    assert site.complaints == []


@pytest.fixture
def project(site: Site) -> Project:
    workspace = Workspace(slug="ours", name="Ours")
    connection = Connection(
        workspace=workspace,
        forge=site.kind,
        name="g",
        base_url=site.url,
        credential=site.people[BOT].token,
    )
    return Project(
        workspace=workspace,
        connection=connection,
        name="shop",
        full_name=SHOP,
        external_id=str(site.repositories[SHOP].id),
    )


@pytest.fixture
def forge(project: Project) -> HostedForge:
    return hosted(registered(project.connection.forge).bind(project.connection), project.connection)


@pytest.fixture
def hook(site: Site) -> str:
    return f"https://seatrial.test/api/v1/webhooks/{site.kind}/1"


def test_the_account_and_what_its_token_lacks(forge: HostedForge, site: Site) -> None:
    assert (forge.account().login, list(forge.account().missing)) == (BOT, [])
    site.people[BOT].scopes = site.too_few
    assert forge.account().missing


def test_a_wrong_token_is_a_problem_that_may_pass(forge: HostedForge, site: Site) -> None:
    site.people[BOT].token = "another"
    with pytest.raises(ForgeError, match="401") as caught:
        forge.account()
    assert not caught.value.permanent


def test_every_page_of_repositories_is_read(forge: HostedForge, site: Site) -> None:
    for number in range(230):
        name = f"r{number:03}"
        site.repositories[f"acme/{name}"] = Hosted(number, "acme", name, site.root, {BOT: "write"})
    names = [one.full_name for one in forge.repositories()]
    assert len(names) == len(set(names)) == 231
    assert forge.repository(SHOP).manageable and not forge.repository("acme/r001").manageable


def test_a_renamed_repository_is_followed_and_another_host_is_not(forge: HostedForge, site: Site) -> None:
    site.renamed(SHOP, "acme/store")
    assert forge.repository(SHOP).full_name == "acme/store"
    site.faults.append(Response("", 301, {"Location": "http://127.0.0.1:1/somewhere"}))
    with pytest.raises(ForgeError, match="another host"):
        forge.repository(SHOP)


def test_open_pull_requests_are_those_that_are_open_now(
    forge: HostedForge, project: Project, site: Site
) -> None:
    first = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    second = site.open_pull(SHOP, "feature", author="ann")
    site.close_pull(SHOP, second.number)
    (event,) = forge.open_pull_requests(project)
    assert (event.number, event.head_sha, event.title) == (first.number, first.head, "Add a cart")
    assert (event.author, event.from_fork, event.branch) == ("ann", False, "feature")
    assert (event.base_branch, event.base_sha) == ("main", first.base)


def test_a_pull_request_from_a_fork_is_one(
    forge: HostedForge, project: Project, site: Site, source: Path
) -> None:
    site.person("eve")
    site.repository("eve/shop", source, admin="eve")
    site.open_pull(SHOP, "feature", author="eve", fork="eve/shop")
    (event,) = forge.open_pull_requests(project)
    assert event.from_fork and event.external_id == project.external_id


def test_facts_are_what_the_forge_says_of_the_repository(
    forge: HostedForge, project: Project, site: Site
) -> None:
    facts = forge.facts(project, "a" * 40).facts
    assert facts.default_branch == "main" and facts.topics == ["shop"]
    assert (facts.metadata.name, facts.metadata.description) == ("shop", "The repository shop")
    assert [one.username for one in facts.members] == [BOT] and facts.members[0].role


def test_facts_take_one_request_and_others_for_what_is_asked(
    forge: HostedForge, project: Project, site: Site
) -> None:
    site.repositories[SHOP].protections["main"] = Protection()

    def requests(*asked: Asked) -> int:
        site.asked.clear()
        told = forge.facts(project, "a" * 40, None, frozenset(asked)).facts
        assert bool(told.members) == (Asked.MEMBERS in asked) and told.topics == ["shop"]
        assert (told.protection is not None) == (Asked.PROTECTION in asked)
        return len(site.asked)

    requests()  # a first one may look for the installation, and for a token
    assert requests() == 1 and requests(Asked.MEMBERS) in (2, 3)
    assert requests(Asked.PROTECTION) in (3, 4) and requests(*Asked) <= 6


@pytest.mark.parametrize("which", COUNTING, indirect=True)
def test_facts_that_did_not_change_cost_nothing(forge: HostedForge, project: Project, site: Site) -> None:
    facts = forge.facts(project, "a" * 40).facts
    left = site.left
    assert forge.facts(project, "b" * 40).facts == facts
    assert site.left == left


def test_statuses_have_stable_names_and_fit(forge: HostedForge, project: Project, site: Site) -> None:
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
    forge.report_preview(
        project,
        PreviewReport(
            number=1,
            commit=commit,
            state=DeploymentState.LIVE,
            description="live",
            page_url="https://s.test/2",
            urls={"web": "https://web.test"},
        ),
    )
    statuses = site.repositories[SHOP].statuses
    assert {one.sha for one in statuses} == {commit} and statuses[0].description.startswith("line line")
    shown = [(one.context, one.state, one.url) for one in statuses]
    assert shown == [
        ("seatrial/policies", "failure", "https://s.test/1"),
        ("seatrial/preview", "success", "https://web.test"),
    ]


@pytest.mark.parametrize("state", list(EvaluationState))
def test_every_verdict_has_a_status(
    state: EvaluationState, forge: HostedForge, project: Project, site: Site
) -> None:
    commit = site.open_pull(SHOP, "feature", author="ann").head
    report = EvaluationReport(commit=commit, state=state, description="", page_url="https://s.test")
    forge.report_evaluation(project, report)
    assert len(site.repositories[SHOP].statuses) == 1


@pytest.mark.parametrize("state", list(DeploymentState))
def test_every_state_of_a_preview_has_a_status(
    state: DeploymentState, forge: HostedForge, project: Project, site: Site
) -> None:
    commit = site.open_pull(SHOP, "feature", author="ann").head
    report = PreviewReport(
        number=1, commit=commit, state=state, description="", page_url="https://s.test", urls={}
    )
    forge.report_preview(project, report)
    assert len(site.repositories[SHOP].statuses) == 1


def test_there_is_one_comment_whatever_was_lost(forge: HostedForge, project: Project, site: Site) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    first = forge.report_comment(project, CommentReport(number=pull.number, body="one"))
    # The id was lost, and somebody quoted us
    pull.comments.insert(0, Comment(next(site.ids), "ann", pull.comments[0].body))
    again = forge.report_comment(project, CommentReport(number=pull.number, body="two"))
    assert again == first
    forge.report_comment(project, CommentReport(number=pull.number, body="three", known=first))
    quoted, ours = pull.comments
    assert (ours.author, ours.edits) == (BOT, 2) and ours.body.startswith("three")
    assert quoted.body.startswith("one")
    pull.comments.remove(ours)  # deleted by hand
    made = forge.report_comment(project, CommentReport(number=pull.number, body="four", known=first))
    assert made != first and [one.body[:5] for one in pull.comments if one.author == BOT] == ["four\n"]


def test_a_webhook_is_made_once_healed_and_removed(
    forge: HostedForge, project: Project, site: Site, hook: str
) -> None:
    webhooks = site.repositories[SHOP].webhooks
    forge.ensure_webhook(project, hook, "first")
    (made,) = webhooks
    assert made.active and made.secret == "first" and len(made.events) > 1
    wanted, made.active, made.events = made.events, False, ["push"]  # somebody switched it off
    forge.ensure_webhook(project, hook, "first")
    (healed,) = webhooks
    assert healed.active and healed.secret == "first" and healed.events == wanted
    forge.ensure_webhook(project, f"{hook}2", "other")
    forge.remove_webhook(project, hook)
    assert [one.secret for one in webhooks] == ["other"]
    del site.repositories[SHOP]
    forge.remove_webhook(project, hook)


def test_a_webhook_learns_a_new_secret(forge: HostedForge, project: Project, site: Site, hook: str) -> None:
    forge.ensure_webhook(project, hook, "first")
    forge.ensure_webhook(project, hook, "second")
    (webhook,) = site.repositories[SHOP].webhooks
    assert webhook.secret == "second" and webhook.active and len(webhook.events) > 1


def test_a_webhook_that_may_not_be_made_is_a_problem(
    forge: HostedForge, project: Project, site: Site, hook: str
) -> None:
    site.repositories[SHOP].members[BOT] = "write"
    with pytest.raises(ForgeError):
        forge.ensure_webhook(project, hook, "s")
    assert site.repositories[SHOP].webhooks == []


@pytest.mark.parametrize("which", COUNTING, indirect=True)
def test_limits_are_kept_and_said(forge: HostedForge, project: Project, site: Site) -> None:
    site.left = 1
    forge.account()
    asked = len(site.asked)
    with pytest.raises(ForgeError) as caught:
        forge.account()
        forge.facts(project, "a" * 40)
    assert caught.value.retry_after_seconds > 3000
    assert len(site.asked) <= asked + 1


def test_a_forge_that_wants_peace_has_it_for_as_long_as_it_says(
    forge: HostedForge, project: Project, site: Site
) -> None:
    site.faults.append(Response('{"message": "too many requests"}', 429, {"Retry-After": "30"}))
    with pytest.raises(ForgeError) as caught:
        forge.account()
    assert caught.value.retry_after_seconds == 30 and not caught.value.permanent
    with pytest.raises(ForgeError):
        forge.repository(SHOP)
    assert len(site.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_nothing_is_retried_here(status: int, forge: HostedForge, site: Site) -> None:
    site.faults.append(Response("<html>sorry</html>", status))
    with pytest.raises(ForgeError, match=str(status)) as caught:
        forge.account()
    assert not caught.value.permanent and len(site.asked) == 1


def test_answers_that_are_none_are_said(forge: HostedForge, site: Site) -> None:
    site.faults.extend([Response("<html>", 200), Response("[]", 200), Response('{"message": "x"}', 200)])
    for _ in range(3):
        with pytest.raises(ForgeError, match=r"127\.0\.0\.1"):
            forge.account()


def test_a_credential_fetches_and_ends(forge: HostedForge, project: Project, site: Site) -> None:
    credential = forge.fetch_credential(project)
    assert credential is not None and credential.password == site.people[BOT].token
    assert "token-of" not in repr(credential)
    assert (credential.expires_at - datetime.now(UTC)).total_seconds() < 3700


BY_OAUTH = [name for name, site in SITES.items() if issubclass(site, OAuthSite)]


@pytest.mark.parametrize("which", BY_OAUTH, indirect=True)
def test_an_authorization_reaches_what_a_token_reaches_and_its_token_clones(
    site: Site, project: Project, tmp_path: Path, hook: str
) -> None:
    assert isinstance(site, OAuthSite)
    grant = site.granted(site.application("https://seatrial.test/connections/authorized"), BOT)
    now = datetime.now(UTC)
    project.connection.credential = OAuthPair(
        client_id=grant.application.client_id,
        client_secret=grant.application.secret,
        access_token=grant.access,
        refresh_token=grant.refresh,
        scopes=tuple(grant.scopes.split()),
        obtained_at=now,
        expires_at=now + timedelta(seconds=site.access_seconds),
    ).stored()
    forge = hosted(registered(site.kind).bind(project.connection), project.connection)
    assert (forge.account().login, list(forge.account().missing)) == (BOT, [])
    assert [one.full_name for one in forge.repositories()] == [SHOP]
    forge.ensure_webhook(project, hook, "secret")
    assert forge.may_write(project, BOT)
    lent = forge.fetch_credential(project)
    assert lent is not None and lent.password == grant.access
    assert (lent.expires_at - now).total_seconds() < 3700
    address = f"{site.url}/{SHOP}.git".replace("://", f"://{lent.username}:{lent.password}@")
    git(tmp_path, "clone", "-q", "--bare", address, "cloned")
    assert git(tmp_path / "cloned", "rev-parse", "main")


def test_people_see_what_was_reported(forge: HostedForge, project: Project, site: Site) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a <cart>")
    report = EvaluationReport(
        commit=pull.head, state=EvaluationState.PASSED, description="all well", page_url="https://s.test"
    )
    forge.report_evaluation(project, report)
    forge.report_comment(project, CommentReport(number=pull.number, body="**Preview:** live"))
    page = httpx.get(
        f"{site.url}{site.pull_path(site.repositories[SHOP], pull)}", trust_env=False, verify=False
    ).text
    assert "Add a &lt;cart&gt;" in page and "seatrial/policies" in page and "all well" in page
    assert "<strong>Preview:</strong> live" in page
    assert (
        site.pull_path(site.repositories[SHOP], pull)
        in httpx.get(site.url, trust_env=False, verify=False).text
    )


def test_the_newest_commit_of_a_branch_is_told(forge: HostedForge, project: Project, source: Path) -> None:
    assert forge.head(project, "main") == git(source, "rev-parse", "main")
    with pytest.raises(ForgeError) as raised:
        forge.head(project, "nowhere")
    assert raised.value.permanent


def test_what_protects_the_default_branch_is_told_the_same_by_all(
    forge: HostedForge, project: Project, site: Site
) -> None:
    bare = forge.facts(project, "a" * 40).facts.protection
    assert bare is not None and bare.protected is False and not bare.required_reviews
    assert (bare.force_pushes, bare.required_checks, bare.unknown) == (True, [], "")
    site.repositories[SHOP].protections["main"] = Protection()
    found = forge.facts(project, "b" * 40).facts.protection
    assert found is not None and found.unknown == ""
    assert (found.branch, found.protected, found.required_reviews) == ("main", True, 2)
    assert (found.force_pushes, found.deletions, found.admins_enforced) == (False, False, True)
    assert found.code_owners is True and found.required_checks == ([] if site.kind == "gitlab" else ["build"])


def test_what_may_not_be_read_of_a_protection_is_unknown_and_says_why(
    forge: HostedForge, project: Project, site: Site
) -> None:
    hosted = site.repositories[SHOP]
    hosted.protections["main"] = Protection(force_pushes=True)
    hosted.members[BOT] = "write"
    found = forge.facts(project, "a" * 40).facts.protection
    assert found is not None and found.protected is True and found.unknown
    assert (found.force_pushes, found.admins_enforced, found.code_owners) == (None, None, None)


def test_who_may_read_is_told_for_members_and_for_anybody_where_it_is_public(
    forge: HostedForge, project: Project, site: Site
) -> None:
    site.person("eve")
    hosted = site.repositories[SHOP]
    hosted.private = True
    hosted.members["ann"] = "read"
    assert forge.may_read(project, "ann") and not forge.may_write(project, "ann")
    assert not forge.may_read(project, "eve") and not forge.may_read(project, "nobody")
    hosted.private = False
    assert forge.may_read(project, "eve") and not forge.may_read(project, "nobody")
