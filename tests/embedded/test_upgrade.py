"""A data directory of an older checkout is upgraded, after a backup; one of a newer checkout is refused."""

import os
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from seatrial.embedded import preparation, secrets
from seatrial.embedded.components import bus, control
from seatrial.embedded.components.postgres import Postgres, from_wheel
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.remembered import Remembered
from seatrial.embedded.supervisor import Supervisor
from seatrial.embedded.typed import typed

pytestmark = pytest.mark.postgres
OURS = ("DB_", "GALLEY_", "GITGRIT_", "SECRET_KEY", "TAG", "GIT_SHA")
Prepare = Callable[..., object]


@pytest.fixture
async def postgres(data: DataDirectory, supervisor: Supervisor) -> AsyncIterator[Postgres]:
    postgres = from_wheel(data.postgres)
    postgres.prepare()
    await supervisor.start(postgres.component())
    postgres.ensure_database()
    yield postgres
    await supervisor.stop()
    postgres.remove_socket_directory()


def environment(data: DataDirectory, postgres: Postgres, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    remembered = Remembered(
        port=1, ingress_port=2, nats_port=3, traefik_port=4, site_url="http://localhost:1"
    )
    return control.environment(
        data, remembered, secrets.ensure(data), postgres.environment(), {**inherited, **settings}
    )


def change(postgres: Postgres, *statements: str) -> None:
    reach = postgres.environment()
    with psycopg.connect(
        host=reach["DB_HOST"], user=reach["DB_USER"], dbname=reach["DB_NAME"], autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement)


async def test_a_directory_of_an_older_release_is_upgraded_after_a_backup_and_one_of_a_newer_is_refused(
    data: DataDirectory, supervisor: Supervisor, postgres: Postgres
) -> None:
    bus.identity(data)

    async def prepare(tag: str) -> str:
        there = environment(data, postgres, TAG=tag, GIT_SHA="1f" * 20)
        return await preparation.prepare(supervisor, data, postgres, there)

    assert await prepare("1.1") == "", "a new platform is no upgrade"
    change(
        postgres,
        "DELETE FROM django_migrations WHERE app = 'audit' AND name = '0003_actor_kind'",
        "ALTER TABLE audit_log DROP COLUMN actor_kind, DROP COLUMN actor_key",
    )
    told = await prepare("1.2")
    [backup] = data.backups.glob("*.dump")
    assert told.startswith(
        "the database was upgraded from release 1.1 (1f1f1f1f1f1f) to release 1.2 (1f1f1f1f1f1f)"
    )
    assert told.endswith(f"As it was before: {backup}")
    assert backup.stat().st_mode & 0o777 == 0o600

    change(
        postgres,
        "UPDATE django_migrations SET name = '0003_of_another_kind' WHERE app = 'audit' AND name = '0003_actor_kind'",
        "UPDATE installation_release SET migrations = '[\"audit.0003_of_another_kind\"]' WHERE name = '1.2'",
    )
    with pytest.raises(CannotRun) as refused:
        await prepare("1.1")
    assert str(refused.value).startswith(
        "the database's schema was written by release 1.2 (1f1f1f1f1f1f); this is release 1.1"
    )

    change(postgres, "DELETE FROM django_migrations WHERE name = '0003_of_another_kind'")
    with pytest.raises(CannotRun, match=r"audit\.0003_actor_kind failed: .*already exists") as failed:
        await prepare("1.3")
    [newest] = set(data.backups.glob("*.dump")) - {backup}
    assert failed.value.fix == f"Then: {typed('restore', str(newest))}"
