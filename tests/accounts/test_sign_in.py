import os
import subprocess
import sys

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
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
    for number in range(6):
        sign_in(
            Client(SERVER_NAME=["localhost", "127.0.0.1"][number % 2]), "alice", "wrong"
        )  # by either name
    assert sign_in(client, "alice", "correct horse battery").status_code != 302
    assert ("user.sign_in", "user/alice") not in entries()


def test_strangers_who_guess_lock_themselves_out_and_not_the_owner() -> None:
    stranger, owner = Client(REMOTE_ADDR="203.0.113.9"), Client(REMOTE_ADDR="198.51.100.7")
    for _ in range(40):
        sign_in(stranger, "ALICE", "wrong")
    assert sign_in(stranger, "alice", "correct horse battery").status_code != 302
    assert sign_in(owner, "alice", "correct horse battery").status_code == 302


def test_a_network_of_ipv6_is_one_stranger() -> None:
    for number in range(6):
        sign_in(Client(REMOTE_ADDR=f"2001:db8::{number}"), "alice", "wrong")
    assert sign_in(Client(REMOTE_ADDR="2001:db8::99"), "alice", "correct horse battery").status_code != 302
    assert sign_in(Client(REMOTE_ADDR="2001:db8:1::1"), "alice", "correct horse battery").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_web_process_that_was_killed_has_not_forgotten_the_guesses() -> None:
    for _ in range(6):
        sign_in(Client(), "alice", "wrong")
    another = (
        "import django; django.setup(); from django.test import Client; client = Client(SERVER_NAME='localhost')\n"
        "form = {'login': 'alice', 'password': 'correct horse battery'}\n"
        "print('status', client.post('/accounts/login/', form).status_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", another],
        env={**os.environ, "DB_NAME": connection.settings_dict["NAME"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "status 200"  # the form again; 302 would be signed in


@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "password/reset/",
        "password/reset/done/",
        "password/reset/key/1-key/",
        "password/set/",
        "email/",
        "confirm-email/",
        "confirm-email/key/",
        "login/code/confirm/",
        "inactive/",
    ],
)
def test_nobody_signs_up_or_has_mail_sent(path: str) -> None:
    client = Client()
    form = {
        "username": "eve",
        "email": "a@b.test",
        "password1": "correct horse 2",
        "password2": "correct horse 2",
    }
    assert client.get(f"/accounts/{path}").status_code == 404
    assert client.post(f"/accounts/{path}", form).status_code == 404
    assert not mail.outbox and not User.objects.filter(username="eve").exists()


def test_the_refusal_of_a_closed_account_says_so() -> None:
    User.objects.update(is_active=False)
    client = Client()
    answer = sign_in(client, "alice", "correct horse battery")
    assert answer.status_code == 302 and answer.headers["Location"] == "/accounts/login/"
    assert "This account is closed" in client.get("/accounts/login/").content.decode()
    assert "_auth_user_id" not in client.session


def test_a_password_is_changed_by_whoever_knows_it() -> None:
    client = Client()
    sign_in(client, "alice", "correct horse battery")
    form = {
        "oldpassword": "correct horse battery",
        "password1": "new battery staple",
        "password2": "new battery staple",
    }
    assert client.post("/accounts/password/change/", {**form, "oldpassword": "wrong"}).status_code == 200
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert User.objects.get().check_password("new battery staple")
