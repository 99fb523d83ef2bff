"""Who may look, set and reveal, by page and REST; nobody else, and what they see of it."""

from typing import Any

import pytest

from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews.models import Deployment
from seatrial.control.projects.models import Project, Variable
from tests import factories
from tests.previews.scenario import Scenario
from tests.variables.scene import client_of, put

pytestmark = pytest.mark.django_db
REFUSED = ["developer", "viewer", "stranger", "anonymous"]


def changes(project: Project) -> list[tuple[str, str, Any]]:
    """Everything that changes or reveals something, of the project and of its workspace."""
    named = {"name": "KEY", "tier": "trusted"}
    wanted: list[tuple[str, str, Any]] = []
    for place in (f"projects/{project.pk}", f"workspaces/{project.workspace.slug}"):
        rest = f"/api/v1/{place}/variables"
        wanted += [
            ("post", f"/{place}/variables", {"one-name": "A", "one-value": "1", "one-tier": "trusted"}),
            ("post", f"/{place}/variables", {"file-text": "A=1", "file-tier": "trusted"}),
            ("post", f"/{place}/variables/reveal", named),
            ("get", f"/{place}/variables/unset?name=KEY&tier=trusted", None),
            ("post", f"/{place}/variables/unset", named),
            ("post", f"/{place}/variables/redeploy", {}),
            ("put", f"{rest}/A", {"value": "1"}),
            ("delete", f"{rest}/KEY", None),
            ("post", f"{rest}/KEY/reveal", {}),
            ("post", rest, {"text": "A=1"}),
            ("post", f"/api/v1/{place}/redeploy", {}),
        ]
    return wanted


def sent(client: Any, method: str, address: str, body: Any) -> Any:
    more = {"content_type": "application/json"} if address.startswith("/api") else {}
    return getattr(client, method)(address, *([body] if body is not None else []), **more)


@pytest.mark.parametrize("role", REFUSED)
def test_the_wrong_person_is_refused_and_nothing_changes(role: str) -> None:
    project = Scenario.make().project
    put(project, KEY="hunter22")
    put(project.workspace, KEY="hunter22")
    client = client_of(project, role)
    for method, address, body in changes(project):
        before = AuditEntry.objects.count(), Variable.objects.filter(ended_at=None).count()
        answer = sent(client, method, address, body)
        login = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
        assert login or answer.status_code in {401, 403, 404}, (address, answer.status_code)
        assert b"hunter22" not in answer.content
        now = AuditEntry.objects.count(), Variable.objects.filter(ended_at=None).count()
        assert before == now, address


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("developer", 200), ("viewer", 403), ("stranger", 404)]
)
def test_developers_see_names_and_what_is_no_secret(role: str, status: int) -> None:
    project = Scenario.make().project
    put(project, KEY="hunter22")
    put(project.workspace, LEVEL="verbosely", secret=False)
    client = client_of(project, role)
    if status != 404:
        assert (b"/variables" in client.get(f"/projects/{project.pk}").content) == (status == 200)
    for place in (f"projects/{project.pk}", f"workspaces/{project.workspace.slug}"):
        for address in (f"/{place}/variables", f"/api/v1/{place}/variables"):
            answer = client.get(address)
            assert answer.status_code == status, address
            assert b"hunter22" not in answer.content
            assert (b"verbosely" in answer.content) == (status == 200)
            assert (b"Set a variable" in answer.content) == (role == "admin" and address[1:4] != "api")


def test_an_admin_sets_reveals_and_unsets_on_the_page() -> None:
    project = Scenario.make().project
    client = client_of(project, "admin")
    address = f"/projects/{project.pk}/variables"
    assert b"No variable is set" in client.get(address).content
    wrong = client.post(address, {"one-name": "A-B", "one-value": "1", "one-tier": "trusted"})
    assert b"is not the name of a variable" in wrong.content and not Variable.objects.exists()
    fields = {"one-name": "KEY", "one-value": "a\r\nhunter22", "one-tier": "trusted", "one-secret": "on"}
    client.post(address, fields)
    assert Variable.objects.get().value == "a\nhunter22"
    page = client.get(address)
    assert b"KEY" in page.content and b"hunter22" not in page.content
    revealed = client.post(f"{address}/reveal", {"name": "KEY", "tier": "trusted"})
    assert b"hunter22" in revealed.content and "no-store" in revealed["Cache-Control"]
    client.post(address, {"file-text": "ONE=1\nTWO=2", "file-tier": "forks"})
    assert b"ONE" in client.get(address).content
    wrong = client.post(address, {"file-text": "ONE", "file-tier": "forks"})
    assert b"line 1: it is not NAME=value" in wrong.content
    asked = client.get(f"{address}/unset?name=KEY&tier=trusted")
    assert b"Unset KEY for trusted previews?" in asked.content and b"hunter22" not in asked.content
    assert Variable.objects.filter(name="KEY", ended_at=None).exists()
    client.post(f"{address}/unset", {"name": "KEY", "tier": "trusted"})
    gone = client.get(f"{address}/unset?name=KEY&tier=trusted", follow=True)
    assert b"No variable KEY is set here" in gone.content
    assert (
        b"No variable KEY is set here"
        in client.post(f"{address}/unset", {"name": "KEY", "tier": "trusted"}, follow=True).content
    )


def test_rest_says_what_counts() -> None:
    project = Scenario.make().project
    client = client_of(project, "admin")
    address = f"/api/v1/projects/{project.pk}/variables"
    put(project.workspace, KEY="of all", SHORT="1234")
    assert sent(client, "put", f"{address}/KEY", {"value": "hunter22"}).json() == {"changed": ["KEY"]}
    answer = client.get(address).json()
    rows = [(row["name"], row["inherited"], row["overridden"], row["masked"]) for row in answer["variables"]]
    assert rows == [("KEY", False, False, True), ("KEY", True, True, True), ("SHORT", True, False, False)]
    assert {row["value"] for row in answer["variables"]} == {""} and answer["behind"] == 0
    imported = sent(client, "post", address, {"text": "A=1\nB=2", "secret": False, "tier": "forks"})
    assert imported.json() == {"changed": ["A", "B"]}
    assert sent(client, "post", f"{address}/KEY/reveal", {}).json() == {"name": "KEY", "value": "hunter22"}
    assert sent(client, "delete", f"{address}/A?tier=forks", None).status_code == 204
    missing = sent(client, "delete", f"{address}/A", None)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_variable")
    refused = sent(client, "put", f"{address}/GALLEY_X", {"value": "1"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_variable")


def test_previews_are_deployed_again_where_something_changed() -> None:
    scenario = Scenario.make()
    scenario.push("a" * 40)
    other = factories.running(factories.pull_request(factories.project(scenario.project.workspace, "other")))
    client = client_of(scenario.project, "admin")
    address = f"/api/v1/projects/{scenario.project.pk}/variables"
    put(scenario.project, "forks", KEY="hunter22")
    assert client.get(address).json()["behind"] == 0, "it is no fork"
    put(scenario.project, KEY="hunter22")
    assert client.get(address).json()["behind"] == 1
    assert (
        b"1 preview runs with what was set before"
        in client.get(f"/projects/{scenario.project.pk}/variables").content
    )
    before = scenario.candidate()
    assert sent(client, "post", address.replace("variables", "redeploy"), {}).json() == {"previews": 1}
    scenario.environment.refresh_from_db()
    after = scenario.candidate()
    assert (after.commit, after.pk > before.pk) == (before.commit, True)
    assert client.get(address).json()["behind"] == 0
    assert Deployment.objects.filter(environment=other).count() == 1
    put(scenario.project.workspace, LEVEL="info")
    workspace = f"/api/v1/workspaces/{scenario.project.workspace.slug}/variables"
    assert client.get(workspace).json()["behind"] == 2
