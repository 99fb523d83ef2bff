"""What is only GitHub's; what it shares with every forge is in `test_hosted`."""

import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.errors import ForgeError, Limited
from seatrial.control.forges.github import limits
from seatrial.control.forges.github.client import api_url, is_server
from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.branches import Protection
from tests.forges.hosts.github import GitHubSite
from tests.repositories import repository

SHOP, BOT = "acme/shop", "seatrial-bot"
HOOK = "https://seatrial.test/api/v1/webhooks/github/1"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[GitHubSite]:
    repository(tmp_path / "shop", {"a": "1"})
    site = GitHubSite(tmp_path / "github")
    site.person(BOT)
    with site.serving():
        site.repository(SHOP, tmp_path / "shop", admin=BOT)
        yield site
    assert site.complaints == []


@pytest.fixture
def project(site: GitHubSite) -> Project:
    workspace = Workspace(slug="ours", name="Ours")
    token = site.people[BOT].token
    connection = Connection(
        workspace=workspace, forge="github", name="g", base_url=site.url, credential=token
    )
    return Project(workspace=workspace, connection=connection, name="shop", full_name=SHOP, external_id="1")


@pytest.fixture
def forge(project: Project) -> GitHubForge:
    return GitHubForge(project.connection)


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


def test_a_classic_tokens_scope_is_named(forge: GitHubForge, site: GitHubSite) -> None:
    site.people[BOT].scopes = "read:user"
    assert list(forge.account().missing) == ["the scope repo"]


def test_the_roles_of_members_are_githubs(forge: GitHubForge, project: Project) -> None:
    assert [one.role for one in forge.facts(project, "a" * 40).facts.members] == ["admin"]


def test_somebody_who_may_not_see_collaborators_gets_the_other_facts(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    site.repositories[SHOP].members[BOT] = "read"
    assert forge.facts(project, "a" * 40).facts.members == []


def test_what_a_token_may_not_manage_is_hidden(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    site.repositories[SHOP].members[BOT] = "write"
    with pytest.raises(ForgeError, match=f"nothing at /api/v3/repos/{SHOP}/hooks, or hides it") as caught:
        forge.ensure_webhook(project, HOOK, "s")
    assert caught.value.permanent


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
    assert limits.pace(server=is_server("https://github.com")) is limits.PACE
    assert limits.pace(server=is_server("https://git.corp.test")) is None


def test_a_secondary_limit_stops_everything_for_as_long_as_it_says(
    forge: GitHubForge, site: GitHubSite
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


def test_rulesets_protect_as_well_and_do_not_say_who_bypasses_them(
    forge: GitHubForge, project: Project, site: GitHubSite
) -> None:
    (hosted,) = [one for one in site.repositories.values() if one.full_name == project.full_name]
    hosted.protections["main"] = Protection(ruleset=True)
    found = forge.facts(project, "a" * 40).facts.protection
    assert found is not None and (found.protected, found.required_reviews, found.required_checks) == (
        True,
        2,
        ["build"],
    )
    assert (found.force_pushes, found.deletions, found.code_owners, found.admins_enforced) == (
        False,
        False,
        True,
        None,
    )
    assert "bypass" in found.unknown
