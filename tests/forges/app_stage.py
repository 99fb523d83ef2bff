"""A GitHub where an App is installed on two repositories, and the App's side of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.github.app import GitHubApp
from seatrial.control.forges.github.app_forge import GitHubAppForge
from seatrial.control.forges.github.needs import EVENTS, permissions
from seatrial.control.forges.github.registration import bind
from seatrial.control.forges.protocol import (
    HostedForge,
)
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.github_apps import App, Installation
from tests.repositories import repository

SHOP, DOCS = "acme/shop", "acme/docs"
HOOK = "https://seatrial.test/api/v1/webhooks/github/1"
SHA = "a" * 40


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "shop"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def site(tmp_path: Path, source: Path) -> Iterator[GitHubSite]:
    site = GitHubSite(tmp_path / "github")
    site.person("ann")
    with site.serving():
        for name in (SHOP, DOCS):
            site.repository(name, source, admin="ann")
        yield site
    assert site.complaints == []


@pytest.fixture
def app(site: GitHubSite) -> App:
    return site.apps.create("trial", permissions=permissions(), events=EVENTS)


@pytest.fixture
def installation(site: GitHubSite, app: App) -> Installation:
    return site.apps.install(app, site.repositories[SHOP], site.repositories[DOCS])


def connected(site: GitHubSite, app: App, *, pem: str = "") -> Connection:
    credential = GitHubApp(app_id=app.id, slug=app.slug, private_key=pem or app.pem)
    return Connection(
        workspace=Workspace(slug="ours", name="Ours"),
        forge="github",
        name="g",
        base_url=site.url,
        credential=credential.stored(),
    )


@pytest.fixture
def project(site: GitHubSite, app: App, installation: Installation) -> Project:
    return project_of(site, connected(site, app), SHOP)


def project_of(site: GitHubSite, connection: Connection, name: str) -> Project:
    return Project(
        workspace=connection.workspace,
        connection=connection,
        name=name.split("/")[1],
        full_name=name,
        external_id=str(site.repositories[name].id),
    )


@pytest.fixture
def forge(project: Project) -> GitHubAppForge:
    forge = bind(project.connection)
    assert isinstance(forge, GitHubAppForge) and isinstance(forge, HostedForge)
    return forge


def made_tokens(site: GitHubSite) -> int:
    return sum(one.endswith("/access_tokens") for one in site.asked)
