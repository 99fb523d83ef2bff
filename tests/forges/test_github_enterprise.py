"""GitHub Enterprise Server: what it has not, says differently, or is set to. Its API is held against the same schemas."""

import json
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from django.conf import settings
from werkzeug.wrappers import Request, Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.configuration import Configuration
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.github.app import GitHubApp
from seatrial.control.forges.github.client import api_url, is_server, site_url
from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.forges.github.manifest import form_address, manifest
from seatrial.control.forges.github.needs import events, permissions
from seatrial.control.forges.github.registration import bind
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.operations import Refused
from tests.forges.hosts.site import Hosted, Person, as_json
from tests.repositories import repository

SHOP, BOT = "acme/shop", "seatrial-bot"
HOOK = "https://seatrial.test/api/v1/webhooks/github/1"
SERVER, GITHUB, COMPANY = "https://git.corp.test", "https://github.com", "https://acme.ghe.com"


class EnterpriseServer(GitHubSite):
    """As it is out of the box: private, without limits, and without merge queues."""

    def limited(self, answer: Response) -> Response:
        answer.headers["X-GitHub-Enterprise-Version"] = "3.17.2"
        answer.headers["X-GitHub-Enterprise-Host"] = "git.corp.test"
        return answer

    def page(self, request: Request) -> Response | None:
        if self.is_api(request) and request.path.endswith("/rate_limit"):
            return as_json({"message": "Rate limiting is not enabled."}, 404)
        if not self.is_api(request) and request.authorization is None:
            return Response("", 302, {"Location": f"{self.url}/login?return_to=%2F"})
        return super().page(request)

    def _make_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        self._know(request)
        return super()._make_webhook(request, person, parts)

    def _change_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        self._know(request)
        return super()._change_webhook(request, person, parts)

    def _know(self, request: Request) -> None:
        if "merge_group" in request.get_json()["events"]:
            raise Refused(422, "Validation Failed")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "shop"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def site(tmp_path: Path, source: Path) -> Iterator[EnterpriseServer]:
    site = EnterpriseServer(tmp_path / "github")
    site.person(BOT)
    with site.serving():
        site.repository(SHOP, source, admin=BOT)
        yield site
    assert site.complaints == []


@pytest.fixture
def hosted(site: EnterpriseServer) -> Hosted:
    return site.repositories[SHOP]


@pytest.fixture
def project(site: EnterpriseServer, hosted: Hosted) -> Project:
    workspace = Workspace(slug="ours", name="Ours")
    token = site.people[BOT].token
    connection = Connection(
        workspace=workspace, forge="github", name="g", base_url=site.url, credential=token
    )
    return Project(workspace=workspace, connection=connection, full_name=SHOP, external_id=str(hosted.id))


@pytest.fixture
def forge(project: Project) -> GitHubForge:
    return GitHubForge(project.connection)


@pytest.mark.parametrize(
    ("typed", "pages", "api"),
    [
        (SERVER, SERVER, f"{SERVER}/api/v3"),
        (f"{SERVER}/api/v3/", SERVER, f"{SERVER}/api/v3"),
        (f"{SERVER}:8443", f"{SERVER}:8443", f"{SERVER}:8443/api/v3"),
        ("https://api.github.com", GITHUB, "https://api.github.com"),
        ("https://www.github.com/", GITHUB, "https://api.github.com"),
        (COMPANY, COMPANY, "https://api.acme.ghe.com"),
        ("https://api.acme.ghe.com/", COMPANY, "https://api.acme.ghe.com"),
        ("https://notghe.com", "https://notghe.com", "https://notghe.com/api/v3"),
    ],
)
def test_each_has_its_api_at_its_own_address(typed: str, pages: str, api: str) -> None:
    assert (site_url(typed), api_url(typed)) == (pages, api)
    assert is_server(typed) is api.endswith("/api/v3")


def test_a_webhook_is_made_and_corrected_without_what_the_server_does_not_know(
    forge: GitHubForge, project: Project, hosted: Hosted
) -> None:
    for secret in ("one", "two"):
        forge.ensure_webhook(project, HOOK, secret)
    (webhook,) = hosted.webhooks
    assert webhook.events == events(queues=False) and webhook.secret == "two"


def test_a_webhook_that_is_refused_for_another_reason_is_a_problem(
    forge: GitHubForge, project: Project, site: EnterpriseServer
) -> None:
    lists = [Response("[]", content_type="application/json") for _ in range(2)]
    site.faults.extend([lists[0], as_json({}, 422), lists[1], as_json({}, 422)])
    with pytest.raises(ForgeError, match="422"):
        forge.ensure_webhook(project, HOOK, "one")


def test_without_limits_nothing_waits_and_nothing_is_said_about_them(
    forge: GitHubForge, project: Project, site: EnterpriseServer
) -> None:
    for _ in range(12):
        forge.open_pull_requests(project)
    standing = forge.allowances.of().budget.standing()
    assert standing.left is None and standing.wait == 0
    assert not any("rate_limit" in one for one in site.asked)


def test_the_account_says_which_version_it_is(forge: GitHubForge) -> None:
    assert forge.account().version == "GitHub Enterprise Server 3.17.2"


def test_it_keeps_deliveries_for_longer_than_github_com(forge: GitHubForge) -> None:
    github_com = GitHubForge(Connection(forge="github", base_url=GITHUB, credential="t"))
    assert (forge.keeps_for, github_com.keeps_for) == (timedelta(days=7), timedelta(days=3))


def test_an_app_needs_no_merge_queues_there(site: EnterpriseServer, hosted: Hosted) -> None:
    app = site.apps.create("trial", permissions=permissions(queues=False), events=events(queues=False))
    site.apps.install(app, hosted)
    credential = GitHubApp(app_id=app.id, slug=app.slug, private_key=app.pem).stored()
    forge = bind(Connection(forge="github", base_url=site.url, credential=credential))
    account = forge.account()
    assert not account.missing and account.version.endswith("3.17.2")
    assert [right.given for right in account.rights] == [True] * len(account.rights)


@pytest.mark.parametrize(("base_url", "queues"), [(SERVER, False), (COMPANY, True), (GITHUB, True)])
def test_a_manifest_asks_a_server_only_for_what_it_has(base_url: str, queues: bool) -> None:
    said = json.loads(manifest(base_url, "n", site="s", webhook="w", made="m", installed="i"))
    assert said["default_events"] == events(queues=queues)
    assert ("merge_queues" in said["default_permissions"]) is queues
    assert form_address(f"{base_url}/api/v3", "", "x").startswith(f"{base_url}/settings/apps/new?")


def test_a_token_that_it_does_not_know_is_a_problem_of_the_token(
    site: EnterpriseServer, project: Project
) -> None:
    """Though it is private, and sends everybody else to its page for signing in."""
    project.connection.credential = "another"
    with pytest.raises(ForgeError, match="401"):
        GitHubForge(project.connection).account()


def test_a_server_with_a_certificate_of_an_own_authority_is_reached_when_that_is_named(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    site = EnterpriseServer(tmp_path / "github")
    with site.serving(context=context):
        connection = Connection(forge="github", base_url=site.url, credential=site.person(BOT).token)
        with pytest.raises(ForgeError, match="CERTIFICATE_VERIFY_FAILED"):
            GitHubForge(connection).account()
        monkeypatch.setenv("GITGRIT_CUSTOM_CA_FILE_PATH", str(tmp_path / "authority.pem"))
        monkeypatch.setattr(settings, "CONFIGURATION", Configuration())
        assert GitHubForge(connection).account().login == BOT
