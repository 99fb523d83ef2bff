"""Rotating a webhook secret loses no delivery: for a while, both secrets are accepted."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.projects.errors import EmptySecret
from seatrial.control.projects.models import Connection
from seatrial.control.projects.webhook_secrets import rotate_webhook_secret, valid_secrets
from seatrial.control.vault.errors import VaultError
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
HOUR = timedelta(hours=1)


@pytest.fixture
def connection() -> Connection:
    return factories.connection(factories.workspace(), webhook_secret="first")


def stored(connection: Connection) -> list[str]:
    return valid_secrets(Connection.objects.get(pk=connection.pk))


def over(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(
        previous_valid_until=timezone.now() - timedelta(seconds=1)
    )


def test_the_previous_secret_counts_until_its_time_is_over(connection: Connection) -> None:
    rotate_webhook_secret(connection, "second", HOUR, by=Actor.person("alice"))
    assert stored(connection) == valid_secrets(connection) == ["second", "first"]
    over(connection)
    assert stored(connection) == ["second"]


def test_without_grace_it_ends_at_once(connection: Connection) -> None:
    rotate_webhook_secret(connection, "second", timedelta(), by=Actor.person("alice"))
    assert stored(connection) == ["second"]


def test_a_repeat_costs_the_previous_one_nothing(connection: Connection) -> None:
    for _ in range(2):
        rotate_webhook_secret(connection, "second", HOUR, by=Actor.person("alice"))
    assert stored(connection) == ["second", "first"]
    assert AuditEntry.objects.filter(action="connection.rotate_webhook_secret").count() == 1


def test_an_empty_secret_is_refused(connection: Connection) -> None:
    with pytest.raises(EmptySecret, match="cannot be empty"):
        rotate_webhook_secret(connection, "", HOUR, by=Actor.person("alice"))
    assert stored(connection) == ["first"]


def test_it_is_recorded_without_the_secrets(connection: Connection) -> None:
    rotate_webhook_secret(connection, "second", HOUR, by=Actor.person("alice"))
    entry = AuditEntry.objects.get(action="connection.rotate_webhook_secret")
    assert (entry.actor, entry.target) == ("alice", f"connection/{connection.pk}")
    assert set(entry.details) == {"previous_valid_until"}
    with database.cursor() as cursor:
        cursor.execute("SELECT webhook_secret, previous_webhook_secret FROM projects_connection")
        assert not {"first", "second"} & set(cursor.fetchone())


def test_a_secret_that_cannot_be_opened_hides_no_other_and_can_be_replaced(connection: Connection) -> None:
    rotate_webhook_secret(connection, "second", HOUR, by=Actor.person("alice"))
    with database.cursor() as cursor:
        cursor.execute("UPDATE projects_connection SET previous_webhook_secret = 'v1.broken.broken'")
    assert stored(connection) == ["second"]
    with database.cursor() as cursor:
        cursor.execute("UPDATE projects_connection SET webhook_secret = 'v1.broken.broken'")
    with pytest.raises(VaultError):
        stored(connection)
    rotate_webhook_secret(connection, "third", HOUR, by=Actor.person("alice"))
    assert stored(connection) == ["third"]
