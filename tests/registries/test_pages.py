"""Who may look at registry logins, set and remove them, by page and REST; and that no password is shown to anybody."""

from typing import Any

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.projects.models import Project
from seatrial.control.registries import setting
from seatrial.control.registries.entries import Entry
from seatrial.control.registries.models import RegistryLogin
from tests import factories
from tests.variables.scene import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
WANTED = {"username": "robot", "password": "hunter33"}
FIELDS = {**WANTED, "registry": "two.test:5000", "tier": "trusted"}


@pytest.fixture
def project() -> Project:
    project = factories.project(factories.workspace())
    for scope in (project, project.workspace):
        setting.put(scope, Entry("one.test", "robot", "hunter22"), by=Actor.person("alice"))
    return project


def places(project: Project) -> list[str]:
    return [f"projects/{project.pk}", f"workspaces/{project.workspace.slug}"]


def sent(client: Any, method: str, address: str, body: Any = None) -> Any:
    more = {"content_type": "application/json"} if address.startswith("/api") else {}
    return getattr(client, method)(address, *([body] if body is not None else []), **more)


@pytest.mark.parametrize("role", ["developer", "viewer", "stranger", "anonymous"])
def test_the_wrong_person_is_refused_and_nothing_changes(project: Project, role: str) -> None:
    client = client_of(project, role)
    before = AuditEntry.objects.count(), set(RegistryLogin.objects.values_list("pk", flat=True))
    for place in places(project):
        for method, address, body in (
            ("post", f"/{place}/registries", FIELDS),
            ("get", f"/{place}/registries/remove?registry=one.test&tier=trusted", None),
            ("post", f"/{place}/registries/remove", {"registry": "one.test", "tier": "trusted"}),
            ("put", f"/api/v1/{place}/registries/one.test", WANTED),
            ("delete", f"/api/v1/{place}/registries/one.test", None),
        ):
            answer = sent(client, method, address, body)
            login = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
            assert login or answer.status_code in {401, 403, 404}, (address, answer.status_code)
    assert before == (AuditEntry.objects.count(), set(RegistryLogin.objects.values_list("pk", flat=True)))


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("developer", 200), ("viewer", 403), ("stranger", 404)]
)
def test_developers_see_which_there_are_and_nobody_a_password(
    project: Project, role: str, status: int
) -> None:
    client = client_of(project, role)
    for place in places(project):
        for address in (f"/{place}/registries", f"/api/v1/{place}/registries"):
            answer = client.get(address)
            assert answer.status_code == status, address
            assert b"hunter22" not in answer.content
            assert (b"one.test" in answer.content) == (status == 200)
            assert (b"Set a login" in answer.content) == (role == "admin" and address[1:4] != "api")


def test_an_admin_sets_and_removes_on_the_page(project: Project) -> None:
    RegistryLogin.objects.all().delete()
    client = client_of(project, "admin")
    address = f"/projects/{project.pk}/registries"
    assert b"No login is set" in client.get(address).content
    assert address.encode() in client.get(f"/projects/{project.pk}/settings").content
    wrong = client.post(address, {**FIELDS, "registry": "https://two.test"})
    assert b"is an address" in wrong.content and not RegistryLogin.objects.exists()
    assert b"hunter33" not in wrong.content
    page = client.post(address, FIELDS, follow=True)
    assert b"two.test:5000" in page.content and b"hunter33" not in page.content
    assert RegistryLogin.objects.get().password == "hunter33"
    named = {"registry": "two.test:5000", "tier": "trusted"}
    asked = client.get(f"{address}/remove", named)
    assert b"Remove the login for two.test:5000 of trusted previews?" in asked.content
    client.post(f"{address}/remove", named)
    assert not RegistryLogin.objects.exists()
    for method in (client.get, client.post):
        assert (
            b"No login for two.test:5000 is set here"
            in method(f"{address}/remove", named, follow=True).content
        )
        assert b"is not a registry" in method(f"{address}/remove", {"registry": ""}, follow=True).content


def test_rest_sets_replaces_and_removes(project: Project) -> None:
    client = client_of(project, "admin")
    address = f"/api/v1/projects/{project.pk}/registries"
    one = sent(client, "put", f"{address}/One.test", WANTED).json()
    assert (one["registry"], one["username"], one["tier"]) == ("one.test", "robot", "trusted")
    assert set(one) == {"registry", "tier", "username", "inherited", "overridden", "by", "created_at"}
    sent(client, "put", f"{address}/two.test%3A5000", {**WANTED, "tier": "forks"})
    rows = client.get(address).json()["registries"]
    assert [(row["registry"], row["tier"], row["inherited"], row["overridden"]) for row in rows] == [
        ("one.test", "trusted", False, False),
        ("two.test:5000", "forks", False, False),
        ("one.test", "trusted", True, True),
    ]
    assert sent(client, "delete", f"{address}/two.test:5000?tier=forks").status_code == 204
    missing = sent(client, "delete", f"{address}/two.test:5000")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_registry_login")
    refused = sent(client, "put", f"{address}/https%3A%2F%2Ftwo.test", WANTED)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_registry_login")
    assert "is an address" in refused.json()["error"]["message"]
