"""Tokens of an authorization are renewed by one process, and whoever loses them is told what to do, with nothing else lost."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connections
from django.db import connection as database
from django.utils import timezone
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges import accounts
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import AuthorizeAgain, ForgeError
from seatrial.control.forges.gitlab.rotation import rotate_due
from seatrial.control.forges.oauth import alone, authorizing, renewing
from seatrial.control.forges.oauth.models import Authorization
from seatrial.control.forges.oauth.pair import OAuthPair, pair_of
from seatrial.control.projects.models import Connection
from tests.forges.hosts.kinds import SITES
from tests.forges.hosts.oauth import Grant, OAuthSite

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
BOT = "seatrial-bot"
ANN = Actor.person("ann")
gitlab = pytest.mark.parametrize("which", ["gitlab"])
both_in_threads = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["gitlab", "gitea"])
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(which: str, tmp_path: Path) -> Iterator[OAuthSite]:
    made = SITES[which](tmp_path / which)
    assert isinstance(made, OAuthSite)
    made.person(BOT)
    with made.serving():
        yield made
    assert made.complaints == []


@pytest.fixture
def connection(site: OAuthSite) -> Connection:
    return authorized(site, Workspace.objects.create(slug="ours", name="Ours"))


def authorized(site: OAuthSite, workspace: Workspace, again: Connection | None = None) -> Connection:
    """As a browser does it."""
    known = site.application(authorizing.redirect_uri())
    row = authorizing.ask(
        workspace,
        site.kind,
        client_id=known.client_id,
        client_secret=known.secret,
        base_url=site.url,
        connection=again,
        by=ANN,
    )
    session: dict[str, object] = {}
    there = site.decided(authorizing.lead(row, session), BOT).headers["Location"]
    query = dict(part.split("=", 1) for part in there.partition("?")[2].split("&"))
    return authorizing.finish(authorizing.taken(session, query["state"]), query, by=ANN)


def stored(connection: Connection) -> OAuthPair:
    pair = pair_of(str(Connection.objects.get(pk=connection.pk).credential))
    assert pair is not None
    return pair


def it_ends(site: OAuthSite, connection: Connection) -> None:
    """The time of the access token is over, here and there."""
    row, pair = Connection.objects.get(pk=connection.pk), stored(connection)
    over = timezone.now() - timedelta(hours=3)
    row.credential = pair.model_copy(update={"obtained_at": over, "expires_at": over}).stored()
    row.save()
    site.grants[-1].ends_at = 0.0


def login(connection: Connection, forges: Forges | None = None) -> str:
    """Whom it acts as, asked at the forge."""
    return (forges or Forges()).hosted(Connection.objects.get(pk=connection.pk)).account().login


def refreshed(site: OAuthSite) -> int:
    return site.token_requests.count("refresh_token")


def test_tokens_are_renewed_before_they_end(site: OAuthSite, connection: Connection) -> None:
    former = stored(connection)
    assert login(connection) == BOT and refreshed(site) == 0
    it_ends(site, connection)
    assert login(connection) == BOT and refreshed(site) == 1
    new = stored(connection)
    (grant,) = site.grants
    assert (new.access_token, new.refresh_token) == (grant.access, grant.refresh)
    assert new.access_token != former.access_token and new.lasts(timezone.now())
    state = Authorization.objects.get()
    assert state.asked_at is None and state.problem == ""


@gitlab
def test_the_rotation_of_tokens_that_people_make_leaves_them_alone(
    site: OAuthSite, connection: Connection
) -> None:
    before = len(site.asked)
    rotate_due()
    assert len(site.asked) == before


@gitlab
def test_an_object_with_the_former_token_finds_the_new_one(site: OAuthSite, connection: Connection) -> None:
    """GitLab refuses the former token from the moment of the renewal on, and somebody still has it."""
    late = Forges().hosted(Connection.objects.get(pk=connection.pk))
    it_ends(site, connection)
    login(connection)
    assert late.account().login == BOT and refreshed(site) == 1


@both_in_threads
def test_many_at_once_ask_the_forge_once(site: OAuthSite, connection: Connection) -> None:
    site.rotates = True
    it_ends(site, connection)
    said: list[str] = []

    def work() -> None:
        try:
            said.append(login(connection))
        except ForgeError as error:
            said.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert said == [BOT] * 6 and refreshed(site) == 1
    assert stored(connection).refresh_token == site.grants[-1].refresh


@both_in_threads
def test_whoever_dies_with_the_lock_gives_it_back(site: OAuthSite, connection: Connection) -> None:
    """As PostgreSQL sees it: the other end is gone."""
    it_ends(site, connection)
    holds, process = threading.Event(), []

    def hold() -> None:
        try:
            with alone.alone(connection.pk), database.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                process.append(cursor.fetchone()[0])
                holds.set()
                cursor.execute("SELECT pg_sleep(120)")
        except OperationalError:
            pass
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(60)
    said: list[str] = []
    other = threading.Thread(target=lambda: (said.append(login(connection)), connections.close_all()))
    other.start()
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", process)
    holder.join(60)
    other.join(60)
    assert said == [BOT] and refreshed(site) == 1


@gitlab
def test_a_lock_that_is_held_too_long_is_said(
    site: OAuthSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    it_ends(site, connection)
    monkeypatch.setattr(alone, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(alone, "_asked", lambda *of_it: False)
    with pytest.raises(ForgeError, match="Another process") as caught:
        login(connection)
    assert not caught.value.permanent and refreshed(site) == 0


def die(*of_it: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("which", ["gitlab", "gitea", "forgejo"])
@pytest.mark.parametrize("rotates", [True, False])
def test_who_dies_between_the_answer_and_the_store_loses_only_what_the_forge_makes_unavoidable(
    rotates: bool, site: OAuthSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.rotates = rotates
    it_ends(site, connection)
    with monkeypatch.context() as patched:
        patched.setattr(renewing, "_store", die)
        with pytest.raises(KeyboardInterrupt):
            login(connection)
    assert Authorization.objects.get().asked_at is not None
    if not rotates:
        assert login(connection) == BOT and Authorization.objects.get().asked_at is None
        return
    with pytest.raises(AuthorizeAgain, match="answer was lost") as caught:
        login(connection)
    assert "Authorize it again" in str(caught.value) and not caught.value.permanent
    asked = len(site.token_requests)
    with pytest.raises(AuthorizeAgain):
        login(connection)
    assert len(site.token_requests) == asked, "what is over is not asked for again"
    assert AuditEntry.objects.filter(action="connection.authorization_ended").count() == 1
    authorized(site, connection.workspace, again=connection)
    assert login(connection) == BOT
    state = Authorization.objects.get()
    assert (state.problem, state.ended, state.asked_at) == ("", False, None)


def test_an_answer_that_never_came_is_found_out_by_asking_again(
    site: OAuthSite, connection: Connection
) -> None:
    it_ends(site, connection)
    site.faults.append(Response("", 502))
    with pytest.raises(ForgeError, match="502"):
        login(connection)
    assert Authorization.objects.get().asked_at is not None
    assert login(connection) == BOT and Authorization.objects.get().asked_at is None


@gitlab
def test_an_answer_that_was_lost_on_its_way_is_said(site: OAuthSite, connection: Connection) -> None:
    it_ends(site, connection)
    site.lost_answers = 1
    with pytest.raises(ForgeError, match="502"):
        login(connection)
    with pytest.raises(AuthorizeAgain, match="answer was lost"):
        login(connection)


def test_what_was_withdrawn_at_the_forge_waits_with_a_reason_until_it_is_authorized_again(
    site: OAuthSite, connection: Connection
) -> None:
    """At its next request, a minute after the last tokens at the earliest."""
    row, pair = Connection.objects.get(pk=connection.pk), stored(connection)
    row.credential = pair.model_copy(update={"obtained_at": timezone.now() - timedelta(minutes=5)}).stored()
    row.save()
    withdraw(site.grants[-1])
    with pytest.raises(AuthorizeAgain, match="authorization was withdrawn"):
        login(connection)
    state = Authorization.objects.get()
    assert state.ended and state.problem
    with pytest.raises(AuthorizeAgain):
        accounts.look(Forges(), connection)
    connection.refresh_from_db()
    assert connection.account.problem == state.problem
    authorized(site, connection.workspace, again=connection)
    assert accounts.look(Forges(), Connection.objects.get()).login == BOT


def withdraw(grant: Grant) -> None:
    grant.withdrawn = True


@gitlab
def test_new_tokens_that_are_refused_are_not_renewed_without_end(
    site: OAuthSite, connection: Connection
) -> None:
    site.grants[-1].ends_at = 0.0
    with pytest.raises(ForgeError, match="401"):
        login(connection)
    assert refreshed(site) == 0


def test_an_application_whose_secret_was_renewed_is_said_and_asked_for_once_a_minute(
    site: OAuthSite, connection: Connection
) -> None:
    (application,) = site.applications.values()
    it_ends(site, connection)
    former, application.secret = application.secret, "renewed"
    for _ in range(3):
        with pytest.raises(ForgeError, match="does not accept the application") as caught:
            login(connection)
        assert not isinstance(caught.value, AuthorizeAgain)
    assert refreshed(site) == 1 and former not in str(caught.value)
    application.secret = former  # somebody put it back
    Authorization.objects.update(problem_at=timezone.now() - timedelta(minutes=2))
    assert login(connection) == BOT and Authorization.objects.get().problem == ""


@gitlab
def test_a_database_that_is_away_for_a_moment_loses_nothing(
    site: OAuthSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    it_ends(site, connection)
    store, waited = renewing._store, []

    def away_twice(*of_it: object) -> None:
        if len(waited) < 2:
            raise OperationalError("away")
        store(*of_it)

    monkeypatch.setattr(renewing, "_store", away_twice)
    monkeypatch.setattr(renewing.database, "close", lambda: None)
    used = stored(connection).access_token
    new = renewing.renewed(connection.pk, host(site), used, now=timezone.now(), sleep=waited.append)
    assert new is not None and stored(connection).access_token == new.access_token and len(waited) == 2


@gitlab
def test_what_somebody_authorized_meanwhile_stays(
    site: OAuthSite, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    it_ends(site, connection)
    store = renewing._store

    def after_somebody(*of_it: object) -> None:
        monkeypatch.setattr(renewing, "_store", store)
        authorized(site, connection.workspace, again=connection)
        store(*of_it)

    monkeypatch.setattr(renewing, "_store", after_somebody)
    login(connection)
    assert stored(connection).access_token == site.grants[-1].access and len(site.grants) == 2


def host(site: OAuthSite) -> authorizing.OAuthHost:
    return authorizing.host_of(site.kind)


def test_the_pair_shows_its_secrets_to_nobody(site: OAuthSite, connection: Connection) -> None:
    pair = stored(connection)
    for secret in (pair.access_token, pair.refresh_token, pair.client_secret):
        assert secret not in repr(pair)
    row = Connection(forge=site.kind, name="g", base_url=site.url, credential='{"access_token": "secret"}')
    with pytest.raises(ForgeError, match="Authorize again") as caught:
        Forges().of(row)
    assert "secret" not in str(caught.value)


def test_it_is_withdrawn_when_the_connection_is_removed(site: OAuthSite, connection: Connection) -> None:
    from seatrial.control.forges.oauth.withdrawing import withdraw_due
    from seatrial.control.triggers import endings, removals

    (grant,) = site.grants
    withdraw_due(site.kind, host(site))
    assert not grant.withdrawn and stored(connection)
    endings.remove_connection(connection, ANN)
    it_ends(site, connection)
    removals.prune(timezone.now())
    assert Connection.objects.exists(), "its authorization is not withdrawn yet"
    withdraw_due(site.kind, host(site))
    assert grant.withdrawn == bool(site.revoke_path)
    removals.prune(timezone.now())
    assert not Connection.objects.exists() and not Authorization.objects.exists()


@gitlab
def test_a_forge_that_is_away_holds_up_a_removal_for_a_day_at_most(
    site: OAuthSite, connection: Connection
) -> None:
    from seatrial.control.forges.oauth.withdrawing import withdraw_due
    from seatrial.control.triggers import endings, removals

    endings.remove_connection(connection, ANN)
    Connection.objects.update(base_url="http://127.0.0.1:1")
    withdraw_due("gitlab", host(site))
    removals.prune(timezone.now())
    assert Connection.objects.exists()
    removals.prune(timezone.now() + timedelta(days=2))
    assert not Connection.objects.exists()


def test_agents_clone_with_a_token_that_lasts(site: OAuthSite, connection: Connection) -> None:
    from seatrial.control.projects.models import Project

    it_ends(site, connection)
    forge = Forges().of(Connection.objects.get())
    lent = forge.fetch_credential(Project(connection=connection, external_id="1"))
    assert lent is not None and lent.password == site.grants[-1].access
    assert lent.expires_at <= timezone.now() + timedelta(hours=1, seconds=5)
