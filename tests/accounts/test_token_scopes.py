"""Tokens with scopes: who makes them, what they may, and when they end."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts import retention, tokens
from seatrial.control.accounts.access import (
    SCOPES,
    AccessDenied,
    Action,
    Scope,
    allowed,
    allowed_somewhere,
    require,
    visible,
    workspaces,
)
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.models import Project
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
TESTER = Actor.person("test")


@pytest.fixture
def cast() -> factories.Cast:
    return factories.Cast()


def bearer(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def whole(user: User) -> Client:
    return bearer(tokens.issue(user, "command", by=TESTER))


def scoped(user: User, *scopes: Scope) -> Client:
    return bearer(tokens.make(user, "script", scopes, 1, by=TESTER))


def make(client: Client, **wanted: Any) -> tuple[int, Any]:
    body = {"name": "script", "scopes": ["read"], "days": 7, **wanted}
    answer = client.post("/api/v1/tokens", body, content_type="application/json")
    return answer.status_code, answer.json()


@pytest.mark.parametrize("admin", [False, True])
@pytest.mark.parametrize("scope", Scope)
def test_a_token_may_what_its_scopes_allow_and_nothing_else(
    cast: factories.Cast, scope: Scope, admin: bool
) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_superuser=admin)
    row = tokens.find(tokens.make(User.objects.get(username="alice"), "script", [scope], 1, by=TESTER))
    assert row is not None
    may = {action for action in Action if allowed(row.user, action, cast.workspace)}
    assert may == SCOPES[scope]
    assert may == {action for action in Action if allowed_somewhere(row.user, action)}
    assert may == {action for action in Action if workspaces(row.user, action).exists()}
    project = factories.project(cast.workspace)
    assert list(visible(row.user, Project)) == [project]
    assert not visible(row.user, Delivery).exists() and not visible(row.user, AuditEntry).exists()


def test_no_scope_lets_a_program_decide_what_people_decide() -> None:
    within = frozenset[Action]().union(*SCOPES.values())
    for action in (Action.DECIDE_WAIVER, Action.BREAK_GLASS, Action.APPROVE_FORK, Action.MANAGE_PROJECTS):
        assert action not in within
    assert not any(action.name.startswith("MANAGE_") for action in within - {Action.MANAGE_POLICIES})


def test_a_scope_gives_nothing_that_its_owner_lacks(cast: factories.Cast) -> None:
    project = factories.project(cast.workspace)
    every = [*Scope]
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        answer = scoped(person, *every).post(
            f"/api/v1/projects/{project.pk}/evaluations",
            {"commit": "a" * 40},
            content_type="application/json",
        )
        assert answer.status_code == status, answer.json()


def test_the_refusal_names_the_scope_and_strangers_are_told_nothing(cast: factories.Cast) -> None:
    row = tokens.find(tokens.make(cast.alice, "script", ["read"], 1, by=TESTER))
    assert row is not None
    with pytest.raises(AccessDenied, match="scope policies:run"):
        require(row.user, Action.RUN_EVALUATION, cast.workspace)
    with pytest.raises(AccessDenied, match="no scope allows it"):
        require(row.user, Action.DECIDE_WAIVER, cast.workspace)
    with pytest.raises(AccessDenied) as refused:
        require(row.user, Action.RUN_EVALUATION, cast.elsewhere)
    assert refused.value.hidden


def test_a_token_with_scopes_always_expires(cast: factories.Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        tokens.issue(cast.alice, "for ever", by=TESTER, scopes=[Scope.READ])
    row = tokens.find(tokens.make(cast.alice, "script", ["read"], 7, by=TESTER))
    assert row is not None and row.expires_at is not None
    assert timedelta(days=6) < row.expires_at - timezone.now() < timedelta(days=8)


def test_rest_makes_lists_and_revokes_ones_own(cast: factories.Cast) -> None:
    alice = whole(cast.alice)
    status, made = make(alice, name="  my   assistant ", scopes=["waivers:request"] * 2)
    assert status == 200 and made["token"].startswith(made["prefix"])
    assert (made["name"], made["scopes"]) == ("my assistant", ["read", "waivers:request"])
    assert bearer(made["token"]).get("/api/v1/projects").status_code == 200
    listed = alice.get("/api/v1/tokens").json()
    assert [one["name"] for one in listed] == ["my assistant", "command"]
    assert made["token"] not in str(listed)
    assert whole(cast.bob).delete(f"/api/v1/tokens/{made['id']}").status_code == 404
    assert alice.delete(f"/api/v1/tokens/{made['id']}").json()["id"] == made["id"]
    assert bearer(made["token"]).get("/api/v1/projects").status_code == 401
    actions = AuditEntry.objects.filter(target=f"api_token/{made['id']}").values_list("action", flat=True)
    assert set(actions) == {"api_token.create", "api_token.revoke"}


def test_a_token_with_scopes_makes_no_tokens(cast: factories.Cast) -> None:
    limited = scoped(cast.alice, *Scope)
    assert make(limited)[0] == 403
    assert limited.get("/api/v1/tokens").status_code == 403
    key = ApiToken.objects.get().pk
    assert limited.delete(f"/api/v1/tokens/{key}").status_code == 403
    session = Client()
    session.force_login(cast.alice)
    assert make(session)[0] == 403, "the page asks who they are once more"
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "everything"]}, "there is no scope everything"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
    ],
)
def test_what_cannot_be_is_said_and_makes_nothing(
    cast: factories.Cast, wanted: dict[str, Any], said: str
) -> None:
    status, answer = make(whole(cast.alice), **wanted)
    assert status in {400, 422} and said in answer["error"]["message"]
    assert ApiToken.objects.count() == 1


def test_nobody_has_more_tokens_than_a_page_shows(
    cast: factories.Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    alice = whole(cast.alice)
    assert [make(alice)[0], make(alice)[0]] == [200, 400]


def test_the_page_asks_who_they_are_shows_a_token_once_and_revokes_it(cast: factories.Cast) -> None:
    client = Client()
    client.force_login(cast.alice)
    assert "You have none" in client.get("/tokens").content.decode()
    form = {"name": "assistant", "scopes": ["read", "policies:run"], "days": "30"}
    asked = client.post("/tokens", form)
    assert asked.status_code == 302 and asked["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists()
    page = client.post(asked["Location"], {"password": factories.PASSWORD}).content.decode()
    row = ApiToken.objects.get()
    start = page.index(row.prefix)
    token = page[start : start + 47]
    assert tokens.find(token) == row and page.count(token) == 2, "itself, and in the example"
    again = client.get("/tokens").content.decode()
    assert token not in again and "assistant" in again and "read, policies:run" in again
    assert client.post("/tokens", {"name": "", "days": "9"}).status_code == 400
    stranger = Client()
    stranger.force_login(cast.charlie)
    assert stranger.post(f"/tokens/{row.pk}/revoke").status_code == 404
    client.post(f"/tokens/{row.pk}/revoke")
    assert tokens.find(token) is None


def test_expired_tokens_are_shown_for_a_month_and_then_deleted(cast: factories.Cast) -> None:
    tokens.make(cast.alice, "old", ["read"], 1, by=TESTER)
    tokens.issue(cast.alice, "command", by=TESTER)
    now = timezone.now()
    retention.prune(now + timedelta(days=30))
    assert ApiToken.objects.count() == 2
    retention.prune(now + timedelta(days=32))
    assert ApiToken.objects.get().name == "command"
