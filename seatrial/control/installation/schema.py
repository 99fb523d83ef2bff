"""How the database's schema compares with the migrations of this release."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from seatrial.control.accounts.models import User
from seatrial.control.installation import release
from seatrial.control.installation.errors import NewerSchema
from seatrial.control.installation.models import Release

SHOWN = 3


@dataclass(frozen=True)
class Schema:
    """Migrations as `app.name`: which are applied, which of them this release does not know, which are still to come."""

    applied: frozenset[str]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


def read_schema() -> Schema:
    """The schema as it is now. Raises django.db.Error."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    applied = executor.loader.applied_migrations
    return Schema(
        applied=frozenset(f"{app}.{name}" for app, name in applied),
        unknown=tuple(sorted(f"{app}.{name}" for app, name in _unknown(executor.loader, applied))),
        missing=tuple(f"{migration.app_label}.{migration.name}" for migration, _ in plan),
    )


def _unknown(loader: MigrationLoader, applied: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """What is applied and not here, unless it was before our time: a library may have dropped its oldest migrations."""
    known = loader.disk_migrations or {}
    replaced = {key for migration in known.values() for key in migration.replaces}
    newest: dict[str, str] = {}
    for app, name in known:
        newest[app] = max(name, newest.get(app, ""))
    return [
        (app, name)
        for app, name in applied
        if (app, name) not in known
        and (app, name) not in replaced
        and (_is_ours(app) or name > newest.get(app, ""))
    ]


def _is_ours(label: str) -> bool:
    return any(app.label == label and app.name.startswith("seatrial.") for app in apps.get_app_configs())


def is_used() -> bool:
    """Whether somebody has an account here: what an interrupted first start left is not worth a backup."""
    if User._meta.db_table not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:  # not by the model, which may be ahead of the schema
        cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_user)")
        return bool(cursor.fetchone()[0])


def refuse_newer(schema: Schema) -> None:
    """Raise NewerSchema when a later release has changed the schema: this one would write what that one cannot read."""
    if not schema.unknown:
        return
    shown = ", ".join(schema.unknown[:SHOWN]) + (" and others" if len(schema.unknown) > SHOWN else "")
    writer, here = _writer(schema.unknown), release.this_release()
    named = f"release {writer}" if writer else "a later release"
    raise NewerSchema(
        f"the database's schema was written by {named}; this is release {here}, which is older. Start "
        f"{f'{named} or later' if writer else 'that release or a later one'}, or restore the backup that was made before the upgrade. "
        f"(This release does not know {shown}.)"
    )


def _writer(migrations: Iterable[str]) -> Release | None:
    try:
        return release.writer_of(migrations)
    except Error:  # that release keeps its notes in another way
        return None
