"""The calls behind `seatrial preview` and `seatrial close`, by everybody who might make them."""

import pytest
from django.test import Client

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Membership, User, Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.projects.models import Connection
from tests.forges.conftest import Work

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


class Caller:
    def __init__(self, user: User) -> None:
        self.token = tokens.issue(user, "t", by=Actor.person("test"))

    def post(self, path: str, body: object):
        headers = {"Authorization": f"Bearer {self.token}"}
        return Client().post(f"/api/v1{path}", body, content_type="application/json", headers=headers)

    def get(self, path: str):
        return Client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})


@pytest.fixture
def caller(connection: Connection):
    def make(name: str, role: str | None) -> Caller:
        user = User.objects.create_user(name)
        if role:
            Membership.objects.create(workspace=connection.workspace, user=user, role=role)
        return Caller(user)

    return make


def test_from_a_directory_to_a_pull_request_and_back(caller, work: Work) -> None:
    sha = work.commit("x", branch="feature")
    ada = caller("ada", "admin")
    project = ada.post("/local/projects", {"path": str(work.path)}).json()
    assert (project["name"], project["slug"]) == ("shop", "shop")
    assert project["default_branch"] == "main", "not the branch that is checked out"
    for name in (project["id"], project["slug"]):
        pull = ada.post("/local/pulls", {"project": name, "branch": "feature"}).json()
        assert pull == {"project": project["id"], "number": 1, "branch": "feature", "head_sha": sha}
    assert ada.post("/local/pulls/close", {"project": "shop", "branch": "feature"}).json() == pull
    assert [row["slug"] for row in ada.get("/projects").json()] == ["shop"]
    rows = AuditEntry.objects.exclude(action__startswith="api_token")
    recorded = set(rows.values_list("action", "actor", "address"))
    for action in ("project.create", "pull_request.close"):
        assert (action, "ada (token:t)", "127.0.0.1") in recorded


def test_only_admins_register_and_only_developers_open_and_close(caller, work: Work) -> None:
    project = caller("ada", "admin").post("/local/projects", {"path": str(work.path)}).json()
    ask = {"project": project["id"], "branch": "main"}
    callers = {
        "dan": caller("dan", "developer"),
        "bob": caller("bob", "viewer"),
        "charlie": caller("charlie", None),
    }
    registering = {
        n: c.post("/local/projects", {"path": str(work.path)}).status_code for n, c in callers.items()
    }
    assert registering == {"dan": 403, "bob": 403, "charlie": 404}
    for path in ("/local/pulls", "/local/pulls/close"):
        answers = {name: c.post(path, ask).status_code for name, c in callers.items()}
        assert answers == {"dan": 200, "bob": 403, "charlie": 404}
    assert callers["charlie"].get("/projects").json() == []
    assert len(callers["bob"].get("/projects").json()) == 1


def test_a_stranger_owning_another_workspace_sees_nothing_of_ours(caller, work: Work) -> None:
    project = caller("ada", "admin").post("/local/projects", {"path": str(work.path)}).json()
    charlie = caller("charlie", None)
    elsewhere = Workspace.objects.create(slug="theirs", name="Theirs")
    Membership.objects.create(workspace=elsewhere, user=User.objects.get(username="charlie"), role="owner")
    assert charlie.post("/local/pulls", {"project": project["id"], "branch": "main"}).status_code == 404
    answer = charlie.post("/local/projects", {"path": str(work.path)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "no_local_forge")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"path": "/nonexistent"}, 400, "no_directory"),
        ({"path": "/tmp"}, 400, "not_a_repository"),
        ({"path": "a\x00b"}, 400, "invalid"),
        ({"path": "/x" * 5000}, 400, "no_directory"),
        ({"path": 1}, 422, "invalid"),
        ({}, 422, "invalid"),
        ({"path": "/x", "workspace": "nope"}, 404, "not_found"),
    ],
)
def test_what_is_wrong_is_said_in_one_shape(caller, body: object, status: int, code: str) -> None:
    answer = caller("ada", "admin").post("/local/projects", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("project", ["nope", "", "é" * 300])
def test_an_unknown_project_is_404(caller, project: str) -> None:
    answer = caller("ada", "admin").post("/local/pulls", {"project": project, "branch": "main"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/local/pulls", "/local/pulls/close"])
@pytest.mark.parametrize(
    "ask", [{"project": "shop", "branch": "a\x00b"}, {"project": "a\x00b", "branch": "main"}]
)
@pytest.mark.django_db(transaction=True)
def test_a_nul_is_the_askers_mistake(caller, work: Work, path: str, ask: dict[str, str]) -> None:
    ada = caller("ada", "admin")
    ada.post("/local/projects", {"path": str(work.path)})
    assert ada.post(path, ask).status_code == 400
