"""Passkeys, authenticator apps and recovery codes, from adding one to losing all."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import User
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from tests.accounts.second_factor.device import Device, code, options_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
PASSWORD = "correct horse battery"
HOST = "localhost:3000"
STEP = (
    58_000_000  # of thirty seconds each: the clock stands still, so that no code grows old between two lines
)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", lambda: iter([STEP]))


@pytest.fixture(autouse=True)
def alice() -> User:
    cache.clear()
    return User.objects.create_user("alice", password=PASSWORD)


def browser(name: str = "alice") -> Client:
    """Signed in with a password."""
    client = Client(headers={"host": HOST})
    client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    return client


def confirmed(name: str = "alice") -> Client:
    """And has just said again who it is."""
    client = browser(name)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client


def with_app(client: Client) -> str:
    """Add an authenticator app; its secret."""
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found and 'src="data:image/svg+xml' in page
    assert client.post("/accounts/2fa/totp/activate/", {"code": code(found[1], STEP)}).status_code == 302
    cache.clear()  # the code counts once; the next step would be in thirty seconds
    return found[1]


def with_passkey(client: Client, device: Device, **more: str) -> Any:
    options = options_of(client.get("/accounts/2fa/webauthn/add/"))
    form = {"name": "Laptop", "credential": device.make(options), "passwordless": "on", **more}
    return client.post("/accounts/2fa/webauthn/add/", form)


def with_passkey_alone(device: Device, **change: Any) -> tuple[Client, Any]:
    client = Client(headers={"host": HOST})
    asked = client.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}).json()
    credential = json.loads(device.prove(asked["request_options"]["publicKey"])) | change
    return client, client.post("/accounts/2fa/webauthn/login/", {"credential": json.dumps(credential)})


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def actions() -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(action__startswith="second_factor.").order_by("id")
    return [(row.action.removeprefix("second_factor."), row.details["kind"]) for row in rows]


def test_an_app_is_asked_for_after_the_password(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # what is recorded once a change is sure
        secret = with_app(confirmed())
    client = browser()
    assert not signed_in(client)
    assert client.get("/agents").status_code == 302
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not signed_in(client)
    assert client.post("/accounts/2fa/authenticate/", {"code": code(secret, STEP)}).status_code == 302
    assert signed_in(client)
    assert actions() == [("add", "totp"), ("add", "recovery_codes"), ("fail", "totp"), ("use", "totp")]
    entry = AuditEntry.objects.filter(action="user.sign_in").latest("id")
    assert entry.details == {"by": ["password", "totp"]}


def test_a_code_counts_once() -> None:
    secret = with_app(confirmed())
    shown = code(secret, STEP)
    first, second = browser(), browser()
    first.post("/accounts/2fa/authenticate/", {"code": shown})
    second.post("/accounts/2fa/authenticate/", {"code": shown})
    assert signed_in(first) and not signed_in(second)


def test_guessing_codes_has_a_limit() -> None:
    secret = with_app(confirmed())
    client = browser()
    for _ in range(6):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    client.post("/accounts/2fa/authenticate/", {"code": code(secret, STEP)})
    assert not signed_in(client)


def test_a_recovery_code_lets_in_once_and_they_are_renewed(django_capture_on_commit_callbacks: Any) -> None:
    owner = confirmed()
    with_app(owner)
    page = owner.get("/accounts/2fa/recovery-codes/").content.decode()
    first = re.findall(r"\b\d{8}\b", page)
    assert len(first) == 10
    assert owner.get("/accounts/2fa/recovery-codes/download/").content.decode().split() == first
    for again in (True, False):
        client = browser()
        client.post("/accounts/2fa/authenticate/", {"code": first[0]})
        assert signed_in(client) is again
    assert "9 codes left" in owner.get("/accounts/security/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        owner.post("/accounts/2fa/recovery-codes/generate/")
    client = browser()
    client.post("/accounts/2fa/authenticate/", {"code": first[1]})
    assert not signed_in(client) and ("renew", "recovery_codes") in actions()


def test_secrets_are_sealed_and_in_no_log() -> None:
    owner = confirmed()
    secret = with_app(owner)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept and kept.count("v2.") == 2
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_passkey_signs_in_without_a_password(alice: User) -> None:
    device = Device(settings.SITE_URL)
    assert with_passkey(confirmed(), device).status_code == 302
    client, answer = with_passkey_alone(device)
    assert answer["Location"] == "/" and client.session["_auth_user_id"] == str(alice.pk)
    assert actions()[-1] == ("use", "webauthn")
    assert AuditEntry.objects.filter(action="user.sign_in").latest("id").details == {"by": ["webauthn"]}


def test_a_passkey_is_a_second_step_as_well() -> None:
    device = Device(settings.SITE_URL)
    with_passkey(confirmed(), device)
    client = browser()
    assert not signed_in(client)
    options = options_of(client.get("/accounts/2fa/authenticate/"))
    client.post("/accounts/2fa/authenticate/", {"credential": device.prove(options)})
    assert signed_in(client)


@pytest.mark.parametrize(
    "origin", ["http://pr-1.localhost:3000", "http://localhost:8080", "https://localhost:3000"]
)
def test_a_page_of_a_preview_cannot_use_or_make_one(origin: str) -> None:
    device = Device(settings.SITE_URL)
    with_passkey(confirmed(), device)
    device.origin = origin
    client, answer = with_passkey_alone(device)
    assert answer["Location"] == "/accounts/login/" and not signed_in(client)
    assert f"This page was opened at {origin}" in client.get("/accounts/login/").content.decode()
    second = browser()
    second.post(
        "/accounts/2fa/authenticate/",
        {"credential": device.prove(options_of(second.get("/accounts/2fa/authenticate/")))},
    )
    assert not signed_in(second)
    Authenticator.objects.all().delete()
    assert with_passkey(confirmed(), Device(origin)).status_code == 200
    assert not Authenticator.objects.exists()


def test_an_answer_to_another_question_counts_for_nothing() -> None:
    device = Device(settings.SITE_URL)
    with_passkey(confirmed(), device)
    client = Client(headers={"host": HOST})
    client.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"})
    old = device.prove({"challenge": "b2xk"})
    client.post("/accounts/2fa/webauthn/login/", {"credential": old})
    assert not signed_in(client)


HOSTILE = [
    "", "{}", "[]", "null", "1", '"x"', "{", '{"response": 1}', '{"response": {}}', '{"id": "a", "rawId": "a", "response": null}',
    '{"type": "public-key", "id": "AA", "rawId": "AA", "response": {"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA"}}',
    '{"type": "public-key", "id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
    '{"type": "x", "id": [], "rawId": {}, "response": []}', "\x00", '{"id": "\\u0000"}', "[" * 2000, "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("credential", HOSTILE)
def test_whatever_is_sent_for_a_passkey_there_is_a_page(credential: str) -> None:
    stranger, owner = Client(headers={"host": HOST}), confirmed()
    stranger.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"})
    assert stranger.post("/accounts/2fa/webauthn/login/", {"credential": credential}).status_code == 302
    owner.get("/accounts/2fa/webauthn/add/")
    assert owner.post("/accounts/2fa/webauthn/add/", {"credential": credential}).status_code == 200
    assert not signed_in(stranger) and not Authenticator.objects.exists()


@pytest.mark.parametrize("handle", [None, "", "!", "AA", 7, [], "__________________8"])
def test_whoever_a_passkey_claims_to_be_must_have_it(handle: Any) -> None:
    device = Device(settings.SITE_URL)
    with_passkey(confirmed(), device)
    User.objects.create_superuser("root", password=PASSWORD)
    device.owner = handle
    client, answer = with_passkey_alone(device)
    assert answer.status_code == 302 and not signed_in(client)


def test_a_closed_account_has_no_way_in_by_a_passkey() -> None:
    device = Device(settings.SITE_URL)
    with_passkey(confirmed(), device)
    User.objects.update(is_active=False)
    client, _ = with_passkey_alone(device)
    assert not signed_in(client)


def test_whoever_comes_through_a_provider_has_a_passkey_only_as_a_second_step(alice: User) -> None:
    device = Device(settings.SITE_URL)
    with_passkey(confirmed(), device)
    alice.set_unusable_password()
    alice.save()
    client, _ = with_passkey_alone(device)
    assert not signed_in(client)
    assert "Sign in with the provider" in client.get("/accounts/login/").content.decode()


CHANGES = [
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
]


@pytest.mark.parametrize("path", CHANGES)
def test_changing_what_protects_an_account_asks_again_who_it_is(path: str) -> None:
    confirmed_once = confirmed()
    with_app(confirmed_once)
    Authenticator.objects.filter(type="totp").delete() if "activate" in path else None
    unlocked = Client(headers={"host": HOST})
    unlocked.force_login(User.objects.get(), "allauth.account.auth_backends.AuthenticationBackend")
    answer = unlocked.get(path)
    assert answer.status_code == 302 and answer["Location"].startswith("/accounts/reauthenticate/")
    assert Client(headers={"host": HOST}).get(path).status_code == 302


def test_only_their_owner_renames_and_removes_passkeys(alice: User) -> None:
    device = Device(settings.SITE_URL)
    owner = confirmed()
    with_passkey(owner, device)
    key = Authenticator.objects.get(type="webauthn").pk
    User.objects.create_user("mallory", password=PASSWORD)
    other = confirmed("mallory")
    for what in ("edit", "remove"):
        assert other.post(f"/accounts/2fa/webauthn/keys/{key}/{what}/", {"name": "mine"}).status_code == 404
    owner.post(f"/accounts/2fa/webauthn/keys/{key}/edit/", {"name": "Old laptop"})
    assert "Old laptop" in owner.get("/accounts/security/").content.decode()
    assert owner.post(f"/accounts/2fa/webauthn/keys/{key}/remove/").status_code == 302
    assert not Authenticator.objects.filter(user=alice).exists()
    assert actions()[-2:] == [("remove", "webauthn"), ("remove", "recovery_codes")]


def test_an_app_is_removed_by_whoever_confirms_it() -> None:
    owner = confirmed()
    with_app(owner)
    assert b"Remove the authenticator app?" in owner.get("/accounts/2fa/totp/deactivate/").content
    assert owner.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists()
    assert signed_in(browser())


# a server that asks for one


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = settings.CONFIGURATION.model_copy(update={"auth_require_second_factor": True})
    monkeypatch.setattr(settings, "CONFIGURATION", changed)


def test_whoever_has_only_a_password_can_only_add_a_second_factor(required: None) -> None:
    client = browser()
    answer = client.get("/agents")
    assert answer.status_code == 302 and answer["Location"] == "/accounts/security/"
    assert "asks for a second factor" in client.get("/accounts/security/").content.decode()
    api = client.get("/api/v1/projects")
    assert api.status_code == 403 and api.json()["error"]["code"] == "second_factor_required"
    assert client.get("/stream").status_code == 302
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    with_app(client)
    assert client.get("/agents").status_code == 200 and client.get("/api/v1/projects").status_code == 200


def test_recovery_codes_alone_are_no_second_factor(required: None, alice: User) -> None:
    Authenticator.objects.create(user=alice, type="recovery_codes", data={"seed": "x", "used_mask": 0})
    assert browser().get("/agents").status_code == 302


def test_programs_with_a_token_go_on(required: None, alice: User) -> None:
    token = tokens.issue(alice, "laptop", by=Actor.person("alice"))
    answer = Client().get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_whoever_comes_through_a_provider_is_asked_there(required: None, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    client = Client(headers={"host": HOST})
    client.force_login(alice, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/agents").status_code == 200


def test_whoever_has_lost_everything_is_let_in_by_the_operator(alice: User) -> None:
    with_app(confirmed())
    assert not signed_in(browser())
    said = StringIO()
    call_command("remove_second_factor", "alice", stdout=said)
    assert "alice has no second factor any more" in said.getvalue() and signed_in(browser())
    rows = AuditEntry.objects.filter(action="second_factor.remove", actor="system")
    assert sorted(row.details["kind"] for row in rows) == ["recovery_codes", "totp"]


@pytest.mark.parametrize(
    ("name", "said"), [("nobody", "There is nobody called"), ("alice", "has no second factor")]
)
def test_the_operator_is_told_when_there_is_nothing_to_remove(name: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("remove_second_factor", name)


def test_an_app_or_a_passkey_says_as_well_who_it_is() -> None:
    device, owner = Device(settings.SITE_URL), confirmed()
    secret = with_app(owner)
    with_passkey(owner, device)
    for prove in ("code", "passkey"):
        client = Client(headers={"host": HOST})
        client.force_login(User.objects.get(), "allauth.account.auth_backends.AuthenticationBackend")
        asked = client.get("/accounts/2fa/recovery-codes/")
        page = client.get(asked["Location"]).content.decode()
        assert "Use a passkey" in page and "Use a code of the authenticator app" in page
        if prove == "code":
            client.post("/accounts/2fa/reauthenticate/", {"code": code(secret, STEP)})
        else:
            options = options_of(client.get("/accounts/2fa/webauthn/reauthenticate/"))
            client.post("/accounts/2fa/webauthn/reauthenticate/", {"credential": device.prove(options)})
        assert client.get("/accounts/2fa/recovery-codes/").status_code == 200, prove
