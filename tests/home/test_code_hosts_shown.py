"""Pages lead to the code host: to the repository, and to what a pull request changes."""

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories as make

pytestmark = pytest.mark.postgres

PAGES = {
    "github": "https://git.example.com/harbour/tides/pull/1",
    "gitlab": "https://git.example.com/harbour/tides/-/merge_requests/1",
    "gitea": "https://git.example.com/harbour/tides/pulls/1",
}


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.django_db
def test_a_pull_request_leads_to_its_page_at_its_code_host(client: Client, kind: str) -> None:
    cast = make.Cast()
    connection = make.connection(cast.workspace, forge=kind, base_url="https://git.example.com")
    project = make.project(
        cast.workspace,
        connection=connection,
        external_id="1003",
        full_name="harbour/tides",
        web_url="https://git.example.com/harbour/tides",
    )
    pull = make.pull_request(project, from_fork=True)
    client.force_login(cast.alice)
    environment = make.environment(pull)
    pages = [
        "/",
        f"/projects/{project.pk}",
        f"/environments/{environment.pk}",
        f"/projects/{project.pk}/pulls/1/approve",
    ]
    for page in pages:
        assert f'href="{PAGES[kind]}"' in client.get(page).content.decode(), page
    of_project = client.get(f"/projects/{project.pk}").content.decode()
    assert 'href="https://git.example.com/harbour/tides">harbour/tides</a>' in of_project
    assert "1003" not in of_project


@pytest.mark.django_db
def test_a_repository_on_this_server_has_no_page_elsewhere(client: Client) -> None:
    cast = make.Cast()
    project = make.project(cast.workspace, web_url="file:///srv/git/shop")
    make.environment(make.pull_request(project))
    client.force_login(cast.alice)
    for page in ["/", "/projects", f"/projects/{project.pk}", f"/projects/{project.pk}/settings"]:
        said = client.get(page).content.decode()
        assert "file://" not in said, page
    assert "#1" in client.get(f"/projects/{project.pk}").content.decode()


@pytest.mark.django_db
def test_what_is_archived_comes_last(client: Client) -> None:
    cast = make.Cast()
    connection = make.connection(cast.workspace, forge="gitea", base_url="https://git.example.com")
    make.project(cast.workspace, "anchor", connection=connection, archived_at=timezone.now())
    make.project(cast.workspace, "buoy", connection=connection)
    client.force_login(cast.alice)
    for page in ("/projects", f"/connections/{connection.pk}"):
        said = client.get(page).content.decode()
        assert 0 < said.index(">buoy</a>") < said.index(">anchor</a>"), page


@pytest.mark.parametrize("why", [{"gone": "deleted"}, {"unreachable": "The App is suspended."}, {}])
@pytest.mark.django_db
def test_nobody_is_asked_for_a_pull_request_that_would_come_to_nothing(
    client: Client, why: dict[str, str]
) -> None:
    cast = make.Cast()
    connection = make.connection(cast.workspace, forge="gitea", base_url="https://git.example.com")
    project = make.project(cast.workspace, connection=connection, **why)
    client.force_login(cast.alice)
    said = client.get(f"/projects/{project.pk}").content.decode()
    assert ("Open a pull request to see a preview" in said) == (not why)
