import pytest
from django.core import serializers
from django.db import connection, transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import WithoutRow, WrongRow

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

SECRET = "hunter2-hunter2"
# The same, sealed for the row 01J with the key of the tests, by the release that wrote version 1.
OLD = (
    "v1.-hx74NIfgAq2IppZyhBFi1H33YPFBuKHLreHuAXdvaAdB_7eYAPzxSgfKiFMJ-CGkra0l2hChglT3k8h"
    ".T_fFeOJ2FnX9sqfHzDBOe32n26vR74RXM65aHBpeDM1t2xthY7Gi6t_tYw=="
)


@pytest.fixture
def row() -> Connection:
    workspace = Workspace.objects.create(slug="w", name="W")
    return Connection.objects.create(workspace=workspace, forge="local", name="here", webhook_secret=SECRET)


def stored(row: Connection) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT webhook_secret FROM projects_connection WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0])


def test_the_database_holds_ciphertext_and_the_instance_reads_plain(row: Connection) -> None:
    assert row.webhook_secret == SECRET
    assert stored(row).startswith("v2.")
    assert SECRET not in stored(row)
    assert Connection.objects.get(pk=row.pk).webhook_secret == SECRET


def test_it_shows_in_neither_repr_nor_values_nor_a_dump(row: Connection) -> None:
    fresh = Connection.objects.get(pk=row.pk)
    listed = list(Connection.objects.values("webhook_secret"))
    dump = serializers.serialize("json", [fresh])
    assert SECRET not in f"{fresh!r} {vars(fresh)!r} {listed!r} {dump}"


def test_saving_something_else_leaves_the_ciphertext_alone(row: Connection) -> None:
    before = stored(row)
    fresh = Connection.objects.get(pk=row.pk)
    fresh.name = "elsewhere"
    fresh.save()
    assert stored(row) == before
    assert Connection.objects.get(pk=row.pk).webhook_secret == SECRET


def test_deferred_refreshed_changed_and_emptied(row: Connection) -> None:
    assert Connection.objects.defer("webhook_secret").get(pk=row.pk).webhook_secret == SECRET
    row.refresh_from_db()
    assert row.webhook_secret == SECRET
    row.webhook_secret = "new"
    row.save(update_fields=["webhook_secret"])
    assert Connection.objects.get(pk=row.pk).webhook_secret == "new"
    row.webhook_secret = ""
    row.save()
    assert stored(row) == ""


def test_a_ciphertext_moved_to_another_row_does_not_open(row: Connection) -> None:
    other = Connection.objects.create(workspace=row.workspace, forge="local", name="two", webhook_secret="b")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE projects_connection SET webhook_secret = %s WHERE id = %s", [stored(row), other.pk]
        )
    with pytest.raises(WrongRow, match=f"projects_connection.webhook_secret of {other.pk}"):
        _ = Connection.objects.get(pk=other.pk).webhook_secret


def test_a_row_of_an_older_release_is_read_as_it_is_and_written_anew(row: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE projects_connection SET id = '01J', webhook_secret = %s WHERE id = %s", [OLD, row.pk]
        )
    old = Connection.objects.get(pk="01J")
    old.save()
    assert old.webhook_secret == SECRET and stored(old) == OLD
    old.webhook_secret = SECRET
    old.save()
    assert stored(old).startswith("v2.")
    assert Connection.objects.get(pk="01J").webhook_secret == SECRET


def test_what_does_not_know_the_row_is_refused(row: Connection) -> None:
    with pytest.raises(WithoutRow, match="is encrypted"), transaction.atomic():
        Connection.objects.update(webhook_secret="plain")
    with pytest.raises(WithoutRow, match="is encrypted"):
        Connection.objects.filter(webhook_secret=SECRET).exists()
    assert stored(row).startswith("v2.")
