"""What every room's tests share: a real PostgreSQL, started when the first test asks for the database."""

from collections.abc import Iterator

import django
import pytest

from tests.database import point_django_at_it

# In this order: the settings read the environment, and the rooms' conftest files import models.
POSTGRES = point_django_at_it()
django.setup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[None]:
    """PostgreSQL answers at DB_HOST."""
    if POSTGRES is not None:
        POSTGRES.start()
    yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: None) -> None:
    """pytest-django creates the test database after this: by then the server must answer."""


@pytest.fixture(scope="session", autouse=True)
def _flush_past_the_append_only_log() -> Iterator[None]:
    """Tests with real transactions end by truncating every table; the audit log refuses that by design."""
    from django.db import connection
    from django.test import TransactionTestCase

    flush = TransactionTestCase._fixture_teardown

    def teardown(self: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
        try:
            flush(self)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = flush


def pytest_unconfigure() -> None:
    """Leave neither a server nor a directory behind."""
    if POSTGRES is not None:
        POSTGRES.stop()
