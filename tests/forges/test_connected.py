"""One object per connection, for as long as its row stays as it is."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from django.db import connection as database

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.connecting import connect
from seatrial.control.forges.errors import ForgeError, NoSuchForge
from seatrial.control.projects.models import Connection
from tests import factories
from tests.forges.toy import ToyForge, ToySite, registration

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setitem(registry.FORGES, "toy", registration(ToySite()))
    return factories.connection(
        factories.workspace(), forge="toy", base_url="https://toy.test", credential="the credential"
    )


def read(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def test_one_row_is_one_object_and_two_rows_are_two(toy: Connection) -> None:
    forges = Forges()
    other = factories.connection(toy.workspace, forge="toy", base_url="https://toy.test")
    assert forges.of(read(toy)) is forges.of(read(toy)) is not forges.of(other)


@pytest.mark.parametrize("change", ["credential", "base_url", "name"])
def test_a_row_that_changed_is_bound_anew_also_for_who_read_it_before(toy: Connection, change: str) -> None:
    forges = Forges()
    before, old = read(toy), forges.of(toy)
    row = read(toy)
    setattr(row, change, "https://another.test")
    row.save(update_fields=[change])
    new = forges.of(read(toy))
    assert new is not old and forges.of(before) is new


def test_an_address_that_was_changed_behind_the_rows_back_counts_too(toy: Connection) -> None:
    forges = Forges()
    old = forges.of(toy)
    Connection.objects.filter(pk=toy.pk).update(base_url="https://another.test")
    assert forges.of(read(toy)) is not old


@pytest.mark.django_db(transaction=True)
def test_many_threads_that_ask_at_once_get_one_object(
    toy: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ToyForge] = []
    site = ToySite()

    def bind(connection: Connection) -> ToyForge:
        made.append(ToyForge(connection, site))
        return made[-1]

    monkeypatch.setitem(registry.FORGES, "toy", replace(registration(site), bind=bind))
    forges, barrier = Forges(), Barrier(6)

    def ask(_: int) -> object:
        try:
            row = read(toy)
            barrier.wait(60)
            return forges.of(row)
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == set(made)
    assert len(made) == 1


def test_a_credential_that_cannot_be_opened_is_the_forges_problem(toy: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE projects_connection SET credential = 'v1.broken.broken'")
    with pytest.raises(ForgeError, match=r"credential of toy:.* cannot be opened") as caught:
        Forges().of(read(toy))
    assert not caught.value.permanent


def test_a_kind_that_nobody_speaks_to_is_refused_with_those_there_are() -> None:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    with pytest.raises(NoSuchForge, match=r"kind 'sourceforge'\. It speaks to: .*local"):
        connect(workspace, "sourceforge", "x", webhook_secret="s")
    assert not Connection.objects.exists()
    with pytest.raises(NoSuchForge):
        Forges().of(factories.connection(workspace, forge="sourceforge"))
