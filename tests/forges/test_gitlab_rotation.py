"""Tokens are replaced before they end, by one process, and nobody loses more than GitLab's design makes unavoidable."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges.gitlab import rotation
from seatrial.control.forges.gitlab.answers import Token
from seatrial.control.forges.gitlab.forge import GitLabForge
from seatrial.control.forges.gitlab.models import Rotation
from seatrial.control.forges.gitlab.rotation import is_due, look_after, rotate_due
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection
from tests.forges.hosts.gitlab import GitLabSite

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
BOT = "seatrial-bot"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[GitLabSite]:
    site = GitLabSite(tmp_path / "gitlab")
    site.person(BOT)
    with site.serving():
        yield site
    assert site.complaints == []


@pytest.fixture
def connection(site: GitLabSite) -> Connection:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    return ensure_connection(
        workspace,
        "gitlab",
        "g",
        webhook_secret="s",
        base_url=site.url,
        credential=site.people[BOT].token,
    )


def ends_in(site: GitLabSite, days: int) -> date:
    site.ends[BOT] = timezone.now().date() + timedelta(days=days)
    return site.ends[BOT]


def stored(connection: Connection) -> str:
    return str(Connection.objects.get(pk=connection.pk).credential)


def asked_to_rotate(site: GitLabSite) -> int:
    return sum(one.endswith("/rotate") for one in site.asked)


def test_a_token_that_ends_soon_is_replaced_and_lives_as_long_again(
    site: GitLabSite, connection: Connection
) -> None:
    former, ended = site.people[BOT].token, ends_in(site, 20)
    rotate_due()
    assert stored(connection) == site.people[BOT].token != former
    lived = ended - date(2026, 1, 1)
    assert site.ends[BOT] - timezone.now().date() == lived
    row = Rotation.objects.get()
    assert row.asked_at is None and row.problem == ""
    (entry,) = AuditEntry.objects.filter(action="connection.rotate_token")
    assert former not in str(entry.details) and stored(connection) not in str(entry.details)


@pytest.mark.parametrize("days", [None, 22, 300])
def test_a_token_with_time_left_stays(site: GitLabSite, connection: Connection, days: int | None) -> None:
    if days is not None:
        ends_in(site, days)
    rotate_due()
    assert asked_to_rotate(site) == 0


@pytest.mark.parametrize(("days", "due"), [(3, False), (2, True)])
def test_a_token_of_a_week_is_not_replaced_all_the_time(days: int, due: bool) -> None:
    today = timezone.now()
    ends = today.date() + timedelta(days=days)
    token = Token(created_at=today - timedelta(days=7 - days), expires_at=ends)
    assert is_due(token, today) is due


@pytest.mark.parametrize(
    "answer", [Response("{}", 403), Response("{}", 405), Response('{"message": "no"}', 400)]
)
def test_a_token_that_cannot_be_replaced_is_said(
    answer: Response, site: GitLabSite, connection: Connection
) -> None:
    token, ends = site.people[BOT].token, ends_in(site, 5)
    answer_to_self = Response(
        f'{{"scopes": ["api"], "created_at": "2026-01-01T10:00:00Z", "expires_at": "{ends}"}}'
    )
    site.faults.extend([answer_to_self, answer])
    rotate_due()
    row = Rotation.objects.get()
    assert row.asked_at is None and f"connect again under the same name before {ends}" in row.problem
    assert stored(connection) == token not in row.problem
    right = GitLabForge(connection).account().rights[-1]
    assert right.given is False and right.without == row.problem


def test_an_answer_that_never_came_is_found_out_later(
    site: GitLabSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, ends = site.people[BOT].token, ends_in(site, 5)
    of_self = f'{{"scopes": ["api"], "created_at": "2026-01-01T10:00:00Z", "expires_at": "{ends}"}}'
    site.faults.extend([Response(of_self), Response("", 502)])
    rotate_due()
    assert Rotation.objects.get().asked_at is not None and stored(connection) == token
    rotate_due()
    assert asked_to_rotate(site) == 1  # it may still be under way
    Rotation.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    rotate_due()  # the old token works: nothing had happened
    assert Rotation.objects.get().asked_at is None and stored(connection) == site.people[BOT].token != token


def test_a_token_that_was_lost_is_said_and_never_sent_to_be_replaced(
    site: GitLabSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_in(site, 5)

    def die(*of_it: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rotation, "_store", die)
        with pytest.raises(KeyboardInterrupt):
            look_after(connection)
    assert stored(connection) in site.revoked
    Rotation.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    rotate_due()
    assert "connect again under the same name" in Rotation.objects.get().problem
    assert asked_to_rotate(site) == 1
    connection.credential = site.people[BOT].token  # pasted by somebody
    connection.save()
    ends_in(site, 300)
    rotate_due()
    row = Rotation.objects.get()
    assert row.asked_at is None and row.problem == ""


def test_a_database_that_is_away_for_a_moment_loses_nothing(
    site: GitLabSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_in(site, 5)
    store, waited = rotation._store, []

    def away_twice(*of_it: object) -> None:
        if len(waited) < 2:
            raise OperationalError("away")
        store(*of_it)

    monkeypatch.setattr(rotation, "_store", away_twice)
    monkeypatch.setattr(rotation.database, "close", lambda: None)
    look_after(connection, sleep=waited.append)
    assert stored(connection) == site.people[BOT].token and len(waited) == 2


def test_a_token_that_somebody_pasted_meanwhile_stays(
    site: GitLabSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_in(site, 5)
    store = rotation._store

    def after_somebody(*of_it: object) -> None:
        row = Connection.objects.get(pk=connection.pk)
        row.credential = "pasted"
        row.save()
        store(*of_it)

    monkeypatch.setattr(rotation, "_store", after_somebody)
    look_after(connection)
    assert stored(connection) == "pasted"


def test_one_process_rotates(site: GitLabSite, connection: Connection) -> None:
    ends_in(site, 5)
    Rotation.objects.create(connection=connection, asked_at=timezone.now())
    rotate_due()
    assert asked_to_rotate(site) == 0


def test_a_gitlab_that_is_away_stops_no_other(
    site: GitLabSite, connection: Connection, tmp_path: Path
) -> None:
    ensure_connection(
        connection.workspace,
        "gitlab",
        "a dead one",
        webhook_secret="s",
        base_url="http://127.0.0.1:1",
        credential="x",
    )
    ends_in(site, 5)
    rotate_due()
    assert asked_to_rotate(site) == 1
