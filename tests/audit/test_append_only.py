import pytest
from django.db import DatabaseError, connection, transaction

from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.audit.services import record

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "TRUNCATE audit_log, accounts_workspace CASCADE",
    ],
)
def test_the_database_refuses_to_change_what_was_recorded(statement: str) -> None:
    record("project.create", "project/1", by=Actor.person("alice"))
    refused = pytest.raises(DatabaseError, match="audit_log is append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().actor == "alice"


def test_the_model_cannot_either() -> None:
    entry = record("project.create", "project/1", by=Actor.person("alice"))
    entry.actor = "bob"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.save()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.delete()


def test_an_entry_keeps_what_it_was_given() -> None:
    ada = Actor.person("a" * 300, id="7", address="::1")
    entry = record("x.y", "t" * 300, by=ada, workspace="w", details={"n": 1})
    entry.refresh_from_db()
    assert (len(entry.target), len(entry.actor)) == (200, 200)
    assert (entry.workspace, entry.address, entry.details) == ("w", "::1", {"n": 1})
    assert (entry.actor_kind, entry.actor_key) == ("person", "7")


def test_what_is_rolled_back_is_not_recorded() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record("project.create", "project/1", by=SYSTEM)
        raise ZeroDivisionError
    assert not AuditEntry.objects.exists()
