"""The walk through history, in a database of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from tests.installation.databases import empty_database
from tests.installation.history.stories import BEGIN, END, STORIES

# Django made its ids narrower later; nothing here uses groups.
USED = "table_name <> 'auth_group_permissions'"
WHAT = {
    "columns": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity"
    f" FROM information_schema.columns WHERE table_schema = 'public' AND {USED}",
    "constraints": "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT tablename, regexp_replace(indexdef, 'INDEX \\S+ ', 'INDEX ') FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "migrations": "SELECT app, name FROM django_migrations",
}
Schema = dict[str, list[tuple[object, ...]]]


def schema() -> Schema:
    """What there is in the database, without the names that it gave itself."""
    with connection.cursor() as cursor:
        found = {}
        for what, query in WHAT.items():
            cursor.execute(query)
            found[what] = sorted(cursor.fetchall(), key=repr)
    return found


@dataclass
class Walked:
    """How each story ended, and the schema at the end of all."""

    failures: dict[str, BaseException] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    schema: Schema = field(default_factory=dict)


def walk() -> Walked:
    """Apply each migration in turn. Raises whatever a migration raises."""
    walked = Walked()
    under_way = {}

    def step(name: str, state: ProjectState) -> None:
        state.clear_delayed_apps_cache()  # what a field leads to may be drawn anew later
        apps = state.apps
        try:
            if name in under_way:
                under_way[name].send(apps)
            else:
                under_way[name] = STORIES[name](apps)
                next(under_way[name])
        except StopIteration:
            walked.told.add(name)
        except BaseException as error:
            walked.failures[name] = error

    with elsewhere():
        executor = MigrationExecutor(connection)
        executor.recorder.ensure_schema()
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        state = executor.loader.project_state([])
        state.apps  # noqa: B018 (it is kept up to date from here on)
        for migration, _ in plan:
            key = (migration.app_label, migration.name)
            for name in BEGIN[key]:
                step(name, state)
            state = executor.apply_migration(state, migration)
            for name in END[key]:
                step(name, state)
        walked.schema = schema()
    return walked


@contextmanager
def elsewhere() -> Iterator[None]:
    """The connection that everything uses leads to an empty database."""
    settings = connection.settings_dict
    usual = settings["NAME"]
    with empty_database() as name:
        connection.close()
        settings["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            settings["NAME"] = usual
