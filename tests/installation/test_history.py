"""An upgrade carries along what was there, and ends with the schema that a new database has."""

from typing import NamedTuple

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import DjangoDbBlocker

from seatrial.control.installation.first_schema import is_new
from seatrial.control.installation.management.commands import migrate
from tests.installation.history import of_forges, of_policies, of_previews
from tests.installation.history.stories import STORIES
from tests.installation.history.walk import Schema, Walked, elsewhere, schema, walk

pytestmark = pytest.mark.postgres
TOLD_BY = (of_forges, of_policies, of_previews)  # importing them fills STORIES


class Ended(NamedTuple):
    """The walk, and the schema of a database that was made at once."""

    walked: Walked
    new: Schema


@pytest.fixture(scope="module")
def ended(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Ended:
    with django_db_blocker.unblock():
        return Ended(walk(), schema())


@pytest.mark.parametrize("name", STORIES)
def test_what_was_there_is_carried_along(ended: Ended, name: str) -> None:
    if failure := ended.walked.failures.get(name):
        raise failure
    assert name in ended.walked.told


def test_a_new_database_has_the_schema_to_which_history_leads(ended: Ended) -> None:
    for what, found in ended.new.items():
        assert found == ended.walked.schema[what], what
        assert len(found) >= 1


@pytest.mark.django_db(transaction=True)
def test_who_dies_while_it_makes_a_new_database_leaves_it_new(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        assert not is_new(connection), "nearly all is there"
        raise Killed

    with elsewhere(), monkeypatch.context() as patch:
        patch.setattr(MigrationRecorder, "record_applied", die)
        with pytest.raises(Killed):
            call_command("migrate", verbosity=0)
        assert is_new(connection)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_has_anything_in_it_is_migrated_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "create_first_schema", lambda _: pytest.fail("it is not new"))
    call_command("migrate", verbosity=0)
