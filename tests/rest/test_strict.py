"""What an operation does not know is said, in the shape of every other error."""

import pytest
from django.test import Client

from seatrial.control.api import api
from tests.factories import Cast
from tests.rest.test_every_door import OPERATIONS, filled

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def alice() -> Client:
    client = Client()
    client.force_login(Cast().alice)
    return client


def test_a_parameter_that_is_misspelt_is_not_ignored(alice: Client) -> None:
    answer = alice.get("/api/v1/environments?projct=01X&number=1")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert "'projct'" in error["message"] and "number, project, recipe, terminated" in error["message"]
    assert "none" in alice.get("/api/v1/status?x=1").json()["error"]["message"]
    assert alice.get("/api/v1/environments/01X?environment_id=1").status_code == 400


def test_strangers_must_sign_in_first() -> None:
    assert Client().get("/api/v1/environments?projct=01X").status_code == 401


@pytest.mark.parametrize("path", sorted({path for _, path in OPERATIONS}))
def test_a_method_that_is_not_there_is_refused_in_the_one_shape(alice: Client, path: str) -> None:
    methods = {method.upper() for method, other in OPERATIONS if other == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
        answer = alice.generic(method, filled(path))
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
        assert set(answer["Allow"].split(", ")) == methods
        assert method in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("openapi.json", 405, "method_not_allowed"),
        ("environments", 405, "method_not_allowed"),
        ("nothing", 404, "not_found"),
        ("", 404, "not_found"),
    ],
)
def test_a_program_never_gets_a_page_about_forms(path: str, status: int, code: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_field_is_named_as_it_was_sent(alice: Client) -> None:
    answer = alice.post("/api/v1/local/pulls", {"project": 7}, content_type="application/json")
    said = answer.json()["error"]["message"]
    assert answer.status_code == 422 and "body.project: " in said and "body.branch: " in said


def test_the_document_describes_everything() -> None:
    document = api.get_openapi_schema()
    bare = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, said in schema.get("properties", {}).items()
        if not said.get("description")
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bare += [f"{method} {path}"] * (not operation.get("description") or not operation.get("summary"))
            bare += [
                f"{method} {path} {one['name']}"
                for one in operation.get("parameters", [])
                if not (one.get("description") or one["schema"].get("description"))
            ]
    assert bare == []
