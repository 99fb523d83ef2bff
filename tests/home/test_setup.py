"""The first steps: read from what is there, for the instance admin alone, and gone when a pull request has come through."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from pydantic import SecretStr

from seatrial.control.accounts.models import User
from seatrial.control.audit.models import AuditEntry
from seatrial.control.home.setup import Check, Setup, Task, setup
from seatrial.control.home.setup_page import setup_fingerprint
from seatrial.control.outbox.models import OutboxMessage
from seatrial.wire.states import AgentState
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
PASSWORD = "correct horse battery"


@pytest.fixture
def root() -> User:
    admin = make.user("root", is_superuser=True)
    admin.set_password(PASSWORD)
    admin.save()
    return admin


@pytest.fixture
def admin(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


def beating(name: str = "dock", *, seconds_off: float = 0, **beat: Any) -> Any:
    now = timezone.now()
    at = (now - timedelta(seconds=seconds_off)).isoformat()
    heartbeat = {"sandbox": "runsc", "at": at, **beat}
    return make.agent(name, state=AgentState.ONLINE, last_heartbeat_at=now, heartbeat=heartbeat)


def task(user: User, word: str) -> Task:
    return next(one for one in setup(user).tasks if one.word == word)


def wrong(user: User, word: str = "Checks") -> list[Check]:
    return [check for check in task(user, word).checks if not check.well]


def words(now: Setup, *, done: bool) -> list[str]:
    return [one.word for one in now.tasks if one.done is done]


def test_from_nothing_to_a_result(root: User, admin: Client) -> None:
    def page() -> str:
        return admin.get("/setup").content.decode()

    assert words(setup(root), done=True) == []
    assert "No agent has joined" in page() and "Connect a code host first." in page()
    assert setup(root).next.word == "Checks"
    beating()
    assert words(setup(root), done=True) == ["Checks"]
    assert setup(root).next.word == "Account"
    changed = {"oldpassword": PASSWORD, "password1": "a boat of oak", "password2": "a boat of oak"}
    assert admin.post("/accounts/password/change/", changed).status_code == 302
    assert words(setup(root), done=True) == ["Checks", "Account"]
    host = make.connection(make.workspace(), forge="gitlab", name="our GitLab")
    assert setup(root).next.word == "Project" and "our GitLab is connected." in page()
    project = make.project(host.workspace, connection=host)
    assert setup(root).next.word == "First result" and "4 of 5 steps" in page()
    assert "Set-up: 4 of 5 steps done" in admin.get("/").content.decode()
    make.evaluation(make.pull_request(project))
    assert words(setup(root), done=False) == []
    assert admin.get("/setup").headers["Location"] == "/"
    assert "Set-up" not in admin.get("/").content.decode()


def test_a_step_says_why_it_is_not_possible_yet(root: User) -> None:
    assert task(root, "Project").blocked == "Connect a code host first."
    assert task(root, "First result").blocked == "Put a repository under trial first."
    make.project(make.workspace())
    assert task(root, "First result").blocked == "It waits until an agent is online."
    beating()
    assert task(root, "First result").blocked == ""


def test_a_repository_on_this_machine_needs_no_code_host(root: User) -> None:
    make.project(make.workspace())
    assert task(root, "Code host").done and task(root, "Project").done


def test_only_the_instance_admin_has_it(root: User, admin: Client) -> None:
    cast = make.Cast()
    for person in (cast.alice, cast.bob, cast.charlie):
        client = Client()
        client.force_login(person)
        assert client.get("/setup").status_code == 403
        assert client.get("/setup/stream").status_code in {403, 404}
        assert "Set-up" not in client.get("/").content.decode()
        assert setup_fingerprint(person) is None
    assert Client().get("/setup").headers["Location"].startswith("/accounts/login/")
    assert Client().get("/setup/stream").status_code == 404
    assert admin.get("/setup").status_code == 200


@pytest.mark.parametrize(
    ("beat", "said", "grave"),
    [
        ({"sandbox": "runc"}, "share its host's kernel, because gVisor is not registered", False),
        (
            {"sandbox": None, "sandbox_problem": "runsc is broken"},
            "No policy can run on dock: runsc is broken",
            True,
        ),
        ({"warnings": ["The disk is nearly full"]}, "dock: The disk is nearly full", False),
        (
            {"host": [{"about": "disk", "well": False, "text": "3 MB free", "fix": "docker system prune"}]},
            "dock: 3 MB free",
            True,
        ),
        (
            {
                "sandbox": "runc",
                "host": [{"about": "gvisor", "well": False, "text": "not registered", "grave": False}],
            },
            "share its host's kernel, because gVisor is not registered",
            False,
        ),
        ({"host": [{"about": "engine", "well": True, "text": "Docker Engine answers"}]}, "", False),
        ({"seconds_off": 90}, "are 90 seconds apart", True),
        ({"at": "yesterday"}, "", False),
        ({"at": None}, "", False),
    ],
)
def test_what_an_agent_reports_is_a_line(root: User, beat: dict[str, Any], said: str, grave: bool) -> None:
    beating(**beat)
    found = wrong(root)
    assert [said in check.text for check in found] == [True] * bool(said)
    assert task(root, "Checks").done is not grave


def test_an_agent_that_is_away_is_named(root: User) -> None:
    make.agent("dock", state=AgentState.OFFLINE)
    make.agent("gone", state=AgentState.REVOKED)
    (check,) = wrong(root)
    assert check.text == "Agent dock is offline" and check.fix and check.grave


def test_a_bus_that_takes_nothing_is_named(root: User) -> None:
    beating()
    row = OutboxMessage.objects.create(subject="x", body={})
    long_ago = timezone.now() - timedelta(minutes=1)
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=long_ago, due_at=long_ago)
    assert "Seatrial waits for the bus" in wrong(root)[0].text


def test_the_address_and_the_settings_are_looked_at(
    root: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating()
    assert wrong(root) == []
    settings.SITE_URL = "http://seatrial.corp.example"
    (check,) = wrong(root)
    assert "has no TLS" in check.text and not check.grave
    settings.SITE_URL = "https://seatrial.corp.example"
    (tmp_path / "ca.pem").write_text("nothing")
    configuration = django_settings.CONFIGURATION
    update = {"gitgrit_custom_ca_file_path": tmp_path / "ca.pem", "gitlab_client_id": "a"}
    settings.CONFIGURATION = configuration.model_copy(update={**update, "auth_provider_gitlab_enabled": True})
    first, second = wrong(root)
    assert "holds no certificates" in first.text and first.grave
    assert "GITLAB_CLIENT_SECRET" in second.text and not second.grave
    update |= {"gitgrit_custom_ca_file_path": None, "gitlab_client_secret": SecretStr("b")}
    settings.CONFIGURATION = configuration.model_copy(update=update)
    assert wrong(root) == []


def test_who_comes_in_through_a_provider_has_no_password_to_change(root: User) -> None:
    root.set_unusable_password()
    assert task(root, "Account").done


def test_a_changed_password_is_in_the_audit_log(root: User, admin: Client) -> None:
    weak = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    admin.post("/accounts/password/change/", weak)
    assert not AuditEntry.objects.filter(action="user.change_password").exists()
    good = {"oldpassword": PASSWORD, "password1": "a boat of oak", "password2": "a boat of oak"}
    admin.post("/accounts/password/change/", good)
    entry = AuditEntry.objects.get(action="user.change_password")
    assert (entry.actor, entry.target) == ("root", "user/root") and "oak" not in str(entry.details)


def test_it_changes_when_something_does(root: User) -> None:
    before = setup_fingerprint(root)
    assert before == setup_fingerprint(root)
    beating()
    assert before != setup_fingerprint(root)
