import pytest
from django.core.cache import cache
from django.test import Client

from seatrial.control.accounts.models import User
from seatrial.control.audit.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture(autouse=True)
def _alice() -> None:
    cache.clear()  # the failures counted by other tests
    User.objects.create_user("alice", password="correct horse battery")


def sign_in(client: Client, username: str, password: str):
    return client.post("/accounts/login/", {"login": username, "password": password})


def entries() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "target"))


def test_success_and_failure_are_recorded_with_the_address() -> None:
    client = Client()
    sign_in(client, "alice", "wrong")
    assert sign_in(client, "alice", "correct horse battery").status_code == 302
    client.post("/accounts/logout/")
    assert entries() == [
        ("user.sign_in_failed", "user/alice"),
        ("user.sign_in", "user/alice"),
        ("user.sign_out", "user/alice"),
    ]
    assert set(AuditEntry.objects.values_list("address", flat=True)) == {"127.0.0.1"}


def test_a_password_typed_as_a_username_is_not_recorded() -> None:
    sign_in(Client(), "correct horse battery", "alice")
    assert entries() == [("user.sign_in_failed", "user/(unknown)")]


def test_guessing_is_slowed_down() -> None:
    client = Client()
    for _ in range(6):
        sign_in(client, "alice", "wrong")
    assert sign_in(client, "alice", "correct horse battery").status_code != 302
    assert ("user.sign_in", "user/alice") not in entries()


def test_nobody_signs_up() -> None:
    client = Client()
    client.post(
        "/accounts/signup/",
        {"username": "eve", "password1": "correct horse 2", "password2": "correct horse 2"},
    )
    assert not User.objects.filter(username="eve").exists()
