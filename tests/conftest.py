"""Fixtures for all tests: a real PostgreSQL, started when the first test asks for the database."""

import functools
import gc
from collections.abc import Iterator

import django
import pytest
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from tests.database import point_django_at_it

# Until everything is collected: a seventh of the time would go into looking for garbage in what stays.
gc.disable()

# In this order: the settings read the environment, and the rooms' conftest files import models.
POSTGRES = point_django_at_it()
django.setup()

# A machine that is busy says nothing about an example: none has a deadline.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("campaign", settings.get_profile("any machine"), max_examples=2500)
settings.load_profile("any machine")

# Rows that `migrate` writes and no test changes.
MADE_BY_MIGRATE = {"django_migrations", "django_content_type", "auth_permission", "django_site"}


@pytest.fixture(scope="session")
def postgres() -> Iterator[None]:
    """PostgreSQL answers at DB_HOST."""
    if POSTGRES is not None:
        POSTGRES.start()
    yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: None, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """pytest-django creates the test database after this: by then the server must answer."""


@pytest.fixture(scope="session")
def django_db_keepdb(postgres: None) -> bool:
    """Whether the database is there already, migrated."""
    return POSTGRES is not None and POSTGRES.seeded


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Threads and processes that a test started may hold connections for a moment longer; the database is dropped now."""
    from django.db import connection

    if POSTGRES is not None:
        connection.close()
        POSTGRES.sow()
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="module")
def rows_of_a_module(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A fixture of a module that asks for this may write: its rows are there for every later test of the module, each of which
    takes back its own changes as always, and are gone after it. All tests of such a module take theirs back, or none asks for this."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """The real algorithm with one round: half a second per person is what guessing should cost, not testing."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def _keys_are_checked_once() -> Iterator[None]:
    """OpenSSL checks an RSA key whenever it is read, for longer than many a test takes; ours are a few, used again and again."""
    from jwt import algorithms

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(algorithms, "load_pem_private_key", functools.cache(algorithms.load_pem_private_key))
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_found_once() -> Iterator[None]:
    """Every `Client` makes all middleware anew, and WhiteNoise looks at each file when it is made: longer than most requests take."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, object] = {}

    def add(self: WhiteNoiseMiddleware) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add)
        yield


@pytest.fixture(scope="session", autouse=True)
def _empty_tables_after_real_transactions() -> Iterator[None]:
    """In place of Django's flush, which the append-only audit log refuses by design and which takes ten times longer."""
    from django.db import connection
    from django.test import TransactionTestCase

    def teardown(self: TransactionTestCase) -> None:
        # All of them: the cache's table, where failed sign-ins are counted, belongs to no model.
        names = set(connection.introspection.table_names()) - MADE_BY_MIGRATE
        delete = "".join(f"DELETE FROM {connection.ops.quote_name(name)};" for name in names)
        with connection.cursor() as cursor:
            cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {delete} COMMIT")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


def pytest_collection_finish() -> None:
    """What is imported by now stays, so the garbage collector need not go through all of it again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def pytest_unconfigure() -> None:
    """Leave neither a server nor a directory behind."""
    if POSTGRES is not None:
        POSTGRES.stop()
