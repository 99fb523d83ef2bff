"""A release that is older than the schema says so and changes nothing."""

import pytest
from django.db import connection

from seatrial.control.installation import release
from seatrial.control.installation.errors import NewerSchema
from seatrial.control.installation.models import Release
from seatrial.control.installation.preparation import prepare
from seatrial.control.installation.schema import read_schema, refuse_newer

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def stamped(settings) -> None:
    """This release is 1.1."""
    update = {"tag": "1.1", "git_sha": "1f" * 20}
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update=update)


def apply(*migrations: str) -> None:
    """As a later release does."""
    with connection.cursor() as cursor:
        for app, name in (migration.split(".") for migration in migrations):
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", [app, name]
            )


def test_it_names_the_release_that_wrote_the_schema(stamped: None) -> None:
    release.note(read_schema().applied)
    apply("previews.0900_moored")
    Release.objects.create(name="1.2", commit="2a" * 20, migrations=["previews.0900_moored"])
    Release.objects.create(name="1.3", commit="3b" * 20)  # changed nothing, so 1.2 is enough
    with pytest.raises(NewerSchema) as caught:
        refuse_newer(read_schema())
    assert str(caught.value).startswith(
        "the database's schema was written by release 1.2 (2a2a2a2a2a2a); this is release 1.1 (1f1f1f1f1f1f), which is older. "
        "Start release 1.2 (2a2a2a2a2a2a) or later"
    )


def test_it_refuses_also_where_the_later_release_died_before_it_noted_itself(stamped: None) -> None:
    apply("moorings.0001_initial", *(f"previews.09{number:02}_more" for number in range(5)))
    with pytest.raises(NewerSchema, match=r"moorings\.0001_initial, previews.* and others"):
        refuse_newer(read_schema())


def test_what_a_library_has_long_forgotten_is_not_newer() -> None:
    apply("auth.0001_from_long_ago")
    refuse_newer(read_schema())
    apply("auth.9000_newer")
    with pytest.raises(NewerSchema, match=r"auth\.9000_newer"):
        refuse_newer(read_schema())


def test_of_ours_everything_unknown_is_newer() -> None:
    apply("previews.0001_of_another_branch")
    with pytest.raises(NewerSchema):
        refuse_newer(read_schema())


@pytest.mark.django_db(transaction=True)
def test_a_release_notes_itself_once_and_what_it_was_the_first_to_apply(stamped: None, settings) -> None:
    calls = []
    prepare(lambda: calls.append("first data"))
    prepare(lambda: calls.append("first data"))
    [first] = Release.objects.all()
    assert set(first.migrations) == read_schema().applied and calls == ["first data"] * 2
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"tag": "1.2"})
    prepare(lambda: None)
    assert list(Release.objects.order_by("pk").values_list("name", "migrations"))[1:] == [("1.2", [])]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_done_to_a_newer_schema() -> None:
    apply("previews.0900_moored")
    try:
        with pytest.raises(NewerSchema):
            prepare(lambda: pytest.fail("no data is made"))
        assert not Release.objects.exists()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '0900_moored'")
