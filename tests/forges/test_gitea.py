"""What is only Gitea's and Forgejo's; what they share with every forge is in `test_hosted`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitea.forge import GiteaForge
from seatrial.control.forges.protocol import Commented, CommentReport, EvaluationReport
from seatrial.control.projects.events import PullRequestAction
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.states import EvaluationState
from tests.forges.hosts import gitea_shapes as shapes
from tests.forges.hosts.gitea import ForgejoSite, GiteaSite
from tests.forges.hosts.site import Hosted, Webhook, as_json
from tests.repositories import repository

SHOP, BOT = "acme/shop", "seatrial-bot"
HOOK = "https://seatrial.test/api/v1/webhooks/gitea/1"
EITHER = pytest.mark.parametrize("which", [GiteaSite, ForgejoSite], indirect=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "shop"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def which(request: pytest.FixtureRequest) -> type[GiteaSite]:
    chosen: type[GiteaSite] = getattr(request, "param", GiteaSite)
    return chosen


@pytest.fixture
def site(which: type[GiteaSite], tmp_path: Path, source: Path) -> Iterator[GiteaSite]:
    site = which(tmp_path / "site")
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving():
        site.repository(SHOP, source, admin=BOT)
        yield site
    assert site.complaints == []


@pytest.fixture
def shop(site: GiteaSite) -> Hosted:
    return site.repositories[SHOP]


@pytest.fixture
def project(site: GiteaSite, shop: Hosted) -> Project:
    workspace = Workspace(slug="ours", name="Ours")
    token = site.people[BOT].token
    connection = Connection(workspace=workspace, forge="gitea", name="g", base_url=site.url, credential=token)
    return Project(
        workspace=workspace, connection=connection, name="shop", full_name=SHOP, external_id=str(shop.id)
    )


@pytest.fixture
def forge(project: Project) -> GiteaForge:
    return GiteaForge(project.connection)


def verdict(commit: str) -> EvaluationReport:
    return EvaluationReport(
        commit=commit, state=EvaluationState.PASSED, description="", page_url="https://s.test"
    )


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.26.3", "Gitea 1.26.3"),
        ("1.27.0+dev-12-gabcdef", "Gitea 1.27.0+dev-12-gabcdef"),
        ("11.0.1+gitea-1.22.0", "Forgejo 11.0.1"),
        ("12.0.0-dev-617-abc+gitea-1.22.0", "Forgejo 12.0.0-dev-617-abc"),
    ],
)
def test_it_is_known_which_of_the_two_it_is(
    version: str, said: str, forge: GiteaForge, site: GiteaSite
) -> None:
    site.version = version
    assert forge.account().version == said


@EITHER
@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        ("write:issue,read:user", ["the scope write:repository"]),
        ("write:repository,read:user", ["the scope write:issue"]),
        ("read:repository,read:user", ["the scope write:repository", "the scope write:issue"]),
    ],
)
def test_the_scopes_that_a_token_lacks_are_found_out_without_changing_anything(
    scopes: str, missing: list[str], forge: GiteaForge, site: GiteaSite, shop: Hosted
) -> None:
    site.people[BOT].scopes = scopes
    account = forge.account()
    assert list(account.missing) == missing
    assert [right.name for right in account.rights if not right.given] == [one[10:] for one in missing]
    assert not shop.statuses


@EITHER
def test_a_token_that_cannot_tell_whose_it_is_names_the_scope(forge: GiteaForge, site: GiteaSite) -> None:
    site.people[BOT].scopes = "write:repository,write:issue"
    with pytest.raises(ForgeError, match="lacks the scope read:user") as caught:
        forge.account()
    assert not caught.value.permanent


def test_a_version_that_is_told_to_nobody_is_no_problem(
    forge: GiteaForge, site: GiteaSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = site.answer

    def answer(request: Any) -> Response:
        return as_json({}, 404) if request.path.endswith("/version") else answered(request)

    monkeypatch.setattr(site, "answer", answer)
    with site.serving() as url:
        account = GiteaForge(Connection(base_url=url, credential=site.people[BOT].token)).account()
    assert (account.login, account.version) == (BOT, "")


def test_a_probe_that_finds_the_server_ill_says_so(forge: GiteaForge, site: GiteaSite) -> None:
    site.faults.extend([as_json({"id": 1, "login": BOT}), Response("", 502)])
    with pytest.raises(ForgeError, match="502"):
        forge.account()


def test_lists_that_only_say_how_many_there_are_are_read_to_the_end(
    forge: GiteaForge, project: Project, site: GiteaSite, shop: Hosted
) -> None:
    site.most_per_page = 3
    for number in range(10):
        shop.members[site.person(f"dev-{number}").login] = "read"
        shop.webhooks.append(Webhook(number, f"https://other.test/{number}", "", ["push"]))
    shop.webhooks.append(Webhook(99, f"{HOOK}?key=old", "old", ["push"]))
    facts = forge.facts(project, "a" * 40).facts
    assert len(facts.members) == 11
    forge.remove_webhook(project, HOOK)
    assert len(shop.webhooks) == 10


def test_roles_are_those_that_two_lists_tell(forge: GiteaForge, project: Project, shop: Hosted) -> None:
    shop.members.update({"acme": "admin", "ann": "read"})
    members = {one.username: one.role for one in forge.facts(project, "a" * 40).facts.members}
    assert members == {"acme": "owner", "ann": "read", BOT: "write"}


def test_an_older_server_tells_topics_apart(
    forge: GiteaForge, project: Project, site: GiteaSite, shop: Hosted
) -> None:
    answer = shapes.repository(site, shop, "admin")
    del answer["topics"]
    site.faults.append(as_json(answer))
    assert forge.facts(project, "a" * 40).facts.topics == ["shop"]
    assert f"GET /api/v1/repos/{SHOP}/topics" in site.asked


@EITHER
def test_what_is_sent_to_a_former_name_is_sent_again_as_it_was(
    forge: GiteaForge, project: Project, site: GiteaSite, shop: Hosted
) -> None:
    """They answer 301, after which others send a GET without a body."""
    pull = site.open_pull(SHOP, "feature", author="ann")
    site.renamed(SHOP, "acme/store")
    forge.report_evaluation(project, verdict(pull.head))
    first = forge.report_comment(project, CommentReport(number=pull.number, body="one"))
    assert forge.report_comment(project, CommentReport(number=pull.number, body="two", known=first)) == first
    assert [one.state for one in shop.statuses] == ["success"] and pull.comments[0].body.startswith("two")


def test_a_status_for_a_commit_that_is_not_there_yet_is_sent_again_later(
    forge: GiteaForge, project: Project
) -> None:
    with pytest.raises(ForgeError, match="500") as caught:
        forge.report_evaluation(project, verdict("a" * 40))
    assert not caught.value.permanent


def test_nothing_is_said_in_a_repository_that_took_the_name(
    forge: GiteaForge, project: Project, site: GiteaSite, source: Path
) -> None:
    known = forge.report_comment(
        project, CommentReport(number=site.open_pull(SHOP, "feature", author="ann").number, body="one")
    )
    site.renamed(SHOP, "acme/store")
    site.repository(SHOP, source, admin=BOT)
    theirs = site.open_pull(SHOP, "feature", author="ann")
    for report in (
        lambda: forge.report_comment(project, CommentReport(number=theirs.number, body="two", known=known)),
        lambda: forge.facts(project, "a" * 40),
        lambda: forge.pull_request(project, theirs.number),
    ):
        with pytest.raises(ForgeError, match="not the name of"):
            report()
    assert theirs.comments == []


def test_a_comment_whose_id_is_known_costs_one_request(
    forge: GiteaForge, project: Project, site: GiteaSite
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    known = forge.report_comment(project, CommentReport(number=pull.number, body="one"))
    asked = len(site.asked)
    forge.report_comment(project, CommentReport(number=pull.number, body="two", known=known))
    assert len(site.asked) == asked + 1


def test_who_may_not_make_webhooks_is_told_what_to_do(
    forge: GiteaForge, project: Project, shop: Hosted
) -> None:
    shop.members[BOT] = "write"
    with pytest.raises(ForgeError, match="administrator of acme/shop") as caught:
        forge.ensure_webhook(project, HOOK, "s")
    assert not caught.value.permanent


def test_a_webhook_whose_secret_is_not_known_gives_way(
    forge: GiteaForge, project: Project, site: GiteaSite, shop: Hosted
) -> None:
    """Somebody made it by hand, and the forge shows no secret."""
    shop.webhooks.append(Webhook(1, HOOK, "who knows", ["push"]))
    shop.webhooks.append(Webhook(2, f"{HOOK}0", "another connection's", ["push"]))
    forge.ensure_webhook(project, HOOK, "ours")
    assert [one.secret for one in shop.webhooks] == ["another connection's", "ours"]
    forge.ensure_webhook(project, HOOK, "ours")
    assert len(shop.webhooks) == 2 and "ours" not in shop.webhooks[1].url


def test_what_was_pushed_for_review_without_a_branch_may_be_anybodys(
    forge: GiteaForge, project: Project, site: GiteaSite
) -> None:
    """Everybody who may read can push to refs/for: the pull request names the base's repository, and no branch."""
    site.open_pull(SHOP, "feature", author="ann").branch = "refs/pull/1/head"
    (event,) = forge.open_pull_requests(project)
    assert event.from_fork


def test_a_deleted_fork_was_one(forge: GiteaForge, project: Project, site: GiteaSite, shop: Hosted) -> None:
    answer = shapes.pull_request(site, shop, site.open_pull(SHOP, "feature", author="ann"))
    answer["head"].update(repo_id=-1, repo=None)
    site.faults.append(as_json([answer]))
    (event,) = forge.open_pull_requests(project)
    assert event.from_fork


@pytest.mark.parametrize(
    ("title", "draft"), [("WIP: a cart", True), ("[wip] a cart", True), ("A cart, not WIP: it works", False)]
)
def test_an_older_server_says_by_the_title_what_is_a_draft(
    title: str, draft: bool, forge: GiteaForge, project: Project, site: GiteaSite, shop: Hosted
) -> None:
    answer = shapes.pull_request(site, shop, site.open_pull(SHOP, "feature", author="ann", title=title))
    del answer["draft"]
    site.faults.append(as_json(answer))
    assert forge.pull_request(project, 1).draft is draft


def test_one_without_a_commit_does_not_stop_the_others(
    forge: GiteaForge, project: Project, site: GiteaSite
) -> None:
    site.open_pull(SHOP, "feature", author="ann").head = ""
    site.open_pull(SHOP, "feature", author="ann")
    assert [event.number for event in forge.open_pull_requests(project)] == [2]
    with pytest.raises(ForgeError, match="has no commit") as caught:
        forge.pull_request(project, 1)
    assert not caught.value.permanent


def test_one_pull_request_is_as_it_is_now(forge: GiteaForge, project: Project, site: GiteaSite) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann", title="A cart")
    pull.labels, pull.draft = ["preview"], True
    now = forge.pull_request(project, pull.number)
    assert (now.action, now.draft, now.merged, now.labels) == (
        PullRequestAction.REOPENED,
        True,
        False,
        ("preview",),
    )
    site.close_pull(SHOP, pull.number, merged=True)
    now = forge.pull_request(project, pull.number)
    assert now.action is PullRequestAction.CLOSED and now.merged
    with pytest.raises(ForgeError) as caught:
        forge.pull_request(project, 99)
    assert caught.value.permanent


@pytest.mark.parametrize(("role", "may"), [("admin", True), ("write", True), ("read", False), (None, False)])
def test_who_may_give_orders(
    role: str | None, may: bool, forge: GiteaForge, project: Project, shop: Hosted
) -> None:
    if role:
        shop.members["ann"] = role
    assert forge.may_write(project, "ann") is may
    assert forge.may_read(project, "ann") is (role is not None or not shop.private)


def test_who_is_nobody_may_not_give_orders(forge: GiteaForge, project: Project, shop: Hosted) -> None:
    assert not forge.may_write(project, "nobody")
    shop.members[BOT] = "write"
    with pytest.raises(ForgeError, match="403"):  # nobody answers that, so nobody is told yes
        forge.may_write(project, "ann")


def test_an_order_is_acknowledged_once(forge: GiteaForge, project: Project, site: GiteaSite) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    comment = forge.report_comment(project, CommentReport(number=pull.number, body="/preview stop"))
    order = Commented(
        external_id=project.external_id, number=pull.number, comment=comment, author="ann", body=""
    )
    for done in (True, True, False):
        forge.acknowledge(project, order, done=done)
    assert pull.comments[0].reactions == {(BOT, "+1"), (BOT, "confused")}
