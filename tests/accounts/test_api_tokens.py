from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def status(token: str) -> int:
    return Client().get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_signs_in_and_is_not_kept(alice: User) -> None:
    token = tokens.issue(alice, "laptop", by=Actor.person("alice"))
    row = ApiToken.objects.get()
    assert token.startswith("sea_") and len(token) > 40
    assert token not in str(vars(row)) and row.prefix == token[:8]
    assert status(token) == 200
    row.refresh_from_db()
    assert row.last_used_at is not None


@pytest.mark.parametrize("token", ["", "sea_", "sea_wrong", "Bearer", "sea_\x00", "sea_" + "a" * 10_000])
def test_anything_else_does_not(alice: User, token: str) -> None:
    tokens.issue(alice, "laptop", by=Actor.person("alice"))
    assert status(token) == 401


def test_expired_revoked_and_of_somebody_gone(alice: User) -> None:
    expired = tokens.issue(
        alice, "old", by=Actor.person("alice"), expires_at=timezone.now() - timedelta(seconds=1)
    )
    good = tokens.issue(
        alice, "new", by=Actor.person("alice"), expires_at=timezone.now() + timedelta(hours=1)
    )
    assert (status(expired), status(good)) == (401, 200)
    User.objects.update(is_active=False)
    assert status(good) == 401
    User.objects.update(is_active=True)
    tokens.revoke(ApiToken.objects.get(name="new"), by=Actor.person("alice"))
    assert status(good) == 401
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "api_token.create",
        "api_token.revoke",
    }


def test_an_anonymous_answer_says_how(alice: User) -> None:
    answer = Client().get("/api/v1/projects")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_session_works_too_but_changes_need_its_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/api/v1/projects").status_code == 200
    answer = client.post("/api/v1/local/projects", {"path": "/x"}, content_type="application/json")
    assert answer.status_code == 403


def test_the_audit_log_knows_whose_token_acted_and_from_where(alice: User) -> None:
    User.objects.update(is_superuser=True)
    headers = {"Authorization": f"Bearer {tokens.issue(alice, 'laptop', by=Actor.person('alice'))}"}
    client = Client(headers=headers, REMOTE_ADDR="192.0.2.7")
    client.post("/api/v1/agents", {"name": "one"}, content_type="application/json")
    entry = AuditEntry.objects.get(action="agent.issue_bootstrap")
    assert (entry.actor, entry.address) == ("alice (token:laptop)", "192.0.2.7")
