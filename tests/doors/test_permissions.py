"""Every door, tried by somebody who may and by those who may not: the role that suffices, the teammate with the next fewer rights,
the stranger, a token with other scopes. (Nobody at all: tests/rest/test_every_door.py.)

What each door takes is in `home.permissions`; a door that is missing there fails here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.urls import get_resolver

from scripts.write_permissions import page
from seatrial.control.accounts.access import ALLOWED, SCOPES, Action, Scope
from seatrial.control.accounts.models import Role
from seatrial.control.assistants.catalogue import TOOLS
from seatrial.control.home import permissions
from seatrial.control.home.permissions import Takes, least
from seatrial.control.home.permissions.apart import Apart
from tests.assistants.asking import Assistant
from tests.doors.rows import DOCUMENT, Quay, arguments, body
from tests.rest.test_every_door import pages

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
API = "/api/v1/"
OPERATIONS = permissions.operations()
PAGES = permissions.pages()
REFUSED = {401, 403, 404}
# Those who may are told that there is nothing: the harbour has no such row.
NOTHING_THERE = {
    ("GET", "deployments/{deployment}/comparison"),
    ("GET", "screenshots/{screenshot}/difference"),
    ("POST", "local/pulls"),
    ("POST", "local/pulls/close"),
    ("POST", "projects/{project_id}/waivers"),
    ("POST", "authorizations"),
    ("POST", "connections"),
    ("GET", "connections/<str:key>/access"),
    ("GET", "connections/<str:key>/repositories"),
    ("POST", "connections/<str:key>/repositories"),
    ("GET", "deployments/<str:key>/compared"),
    ("POST", "policies/import"),
}

# Of the whole instance: whoever signs in may look.
OF_ALL = {
    ("GET", "agents/{agent_id}"),
    ("GET", "agents/<str:key>"),
    ("GET", "agents/<str:key>/stream"),
}


@pytest.fixture(scope="module")
def quay(rows_of_a_module: None) -> Quay:
    return Quay()


@pytest.fixture(autouse=True)
def _streams_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def begun(*_: Any, **__: Any) -> HttpResponse:
        return HttpResponse("it began")

    monkeypatch.setattr("seatrial.control.accounts.pages.stream", begun)
    monkeypatch.setattr("seatrial.control.previews.pages.views.download", begun)


def refused(answer: Any) -> bool:
    """No access, or a list with nothing in it."""
    return answer.status_code in REFUSED or (
        not answer.streaming and answer.content in {b"[]", b'{"items": []}'}
    )


def turned_away(door: permissions.Door, answer: Any) -> bool:
    """Refused; or, where the form stays as it is, sent back to it with a sentence."""
    in_words = door == ("POST", "trials/unsaved/try") and answer.get("Location") == "/policies/new"
    return answer.status_code in REFUSED or in_words


def ask(quay: Quay, door: permissions.Door, token: str) -> Any:
    method, path = door
    whole = API + path
    sent = body(method.lower(), whole, quay)
    with transaction.atomic():
        answer = quay.bearer.generic(
            method,
            quay.filled(whole),
            "" if sent is None else json.dumps(sent),
            "application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        transaction.set_rollback(True)
    return answer


def visit(quay: Quay, door: permissions.Door, who: str) -> Any:
    method, path = door
    with transaction.atomic():
        answer = getattr(quay.browsers[who], method.lower())(quay.filled(path), quay.form(path))
        transaction.set_rollback(True)
    return answer


def lower(takes: Takes) -> str | None:
    """The teammate with the next fewer rights; None: a stranger is next."""
    if isinstance(takes, Apart):
        return "owner"  # of WHOLE_AUDIT
    role = least(takes)
    if role is None:
        return "owner"
    roles = list(Role)
    return roles[roles.index(role) + 1] if role is not Role.VIEWER else None


def enough(takes: Takes) -> str:
    role = least(takes) if isinstance(takes, Action) else None
    return role or "root"


def without(action: Action) -> Iterator[Scope]:
    """A scope that does not allow it, if there is one."""
    yield from [scope for scope in Scope if action not in SCOPES[scope]][:1]


def graded(doors: dict[permissions.Door, Takes]) -> list[tuple[permissions.Door, Takes]]:
    return sorted(one for one in doors.items() if one[1] not in {Apart.OPEN, Apart.OWN})


def test_every_operation_and_page_says_what_it_takes() -> None:
    there = {
        (method.upper(), path.removeprefix(API))
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
    }
    assert OPERATIONS.keys() == there
    shown = {
        page for page in pages(get_resolver()) if not page.startswith(("api/", "accounts/"))
    }  # api: the operations; accounts: allauth's, for whoever they are about
    assert {address.lstrip("/") for _, address in PAGES} == shown - {""} | {""}


@pytest.mark.parametrize(("door", "takes"), graded(OPERATIONS))
def test_an_operation_is_for_the_role_that_it_says(quay: Quay, door: permissions.Door, takes: Takes) -> None:
    answer = ask(quay, door, quay.tokens[enough(takes)])
    assert answer.status_code < 500
    if door in NOTHING_THERE:
        assert answer.json()["error"]["code"] != "access_denied"
    else:
        assert answer.status_code not in {*REFUSED, 422}, answer.content
    if (teammate := lower(takes)) is not None:
        assert refused(ask(quay, door, quay.tokens[teammate])), teammate
    if "{" in door[1] and takes is not Apart.WHOLE_AUDIT and door not in OF_ALL:
        assert ask(quay, door, quay.tokens["stranger"]).status_code in REFUSED
    for scope in without(takes) if isinstance(takes, Action) else []:
        assert refused(ask(quay, door, quay.scoped[scope])), scope


@pytest.mark.parametrize("door", sorted(door for door, takes in OPERATIONS.items() if takes is Apart.OWN))
def test_ones_own_is_for_nobody_else_and_for_no_token_with_scopes(quay: Quay, door: permissions.Door) -> None:
    assert ask(quay, door, quay.scoped[Scope.READ]).status_code == 403
    if "{" in door[1]:
        assert ask(quay, door, quay.tokens["stranger"]).status_code == 404


@pytest.mark.parametrize(("door", "takes"), graded(PAGES))
def test_a_page_is_for_the_role_that_it_says(quay: Quay, door: permissions.Door, takes: Takes) -> None:
    answer = visit(quay, door, enough(takes))
    assert answer.status_code < 500
    if door not in NOTHING_THERE:
        assert answer.status_code not in REFUSED
    if (teammate := lower(takes)) is not None:
        assert turned_away(door, visit(quay, door, teammate)), teammate
    if "<" in door[1] and door not in OF_ALL:
        assert turned_away(door, visit(quay, door, "stranger")) or "<str:kind>" in door[1]


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_tool_is_for_the_role_and_the_scope_that_it_says(quay: Quay, name: str) -> None:
    tool = TOOLS[name]
    given = arguments(quay, tool.input_schema)

    def says(who: str, *scopes: Scope) -> Any:
        with transaction.atomic():
            said = Assistant(quay.people[who], *scopes).call(name, **given)
            transaction.set_rollback(True)
        return said

    def denied(said: Any) -> bool:
        words = {"access_denied", "not_found", "invalid"}
        return said.get("error", {}).get("code") in words or said.get("items") == []

    takes = SCOPES[tool.scope] - {Action.VIEW}
    (role,) = {least(action) for action in takes or {Action.VIEW}}  # of one scope, all take the same
    assert role is not None
    said = says(role, tool.scope)
    assert said.get("error", {}).get("code") != "access_denied", said
    assert denied(says("stranger"))
    if takes:
        assert says("viewer")["error"]["code"] == "access_denied"
        assert says(role, Scope.READ)["error"]["code"] == "access_denied"


def test_the_page_for_people_is_as_the_code_says() -> None:
    written = (Path(__file__).parents[2] / "docs/permissions.md").read_text()
    assert written == page(), "run `make docs`"


def test_each_role_may_what_the_one_below_may_and_more() -> None:
    for more, fewer in zip(list(Role), list(Role)[1:], strict=False):
        assert ALLOWED[more] > ALLOWED[fewer]
