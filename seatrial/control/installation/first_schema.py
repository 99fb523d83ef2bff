"""The schema of a new database, made from the models as they are now.

The history of migrations ends at the same schema, and takes sixty times longer to get there: Django draws all models anew for
each step of it. A test holds that both are the same.
"""

from django.apps import apps
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration, RunPython, RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState


def is_new(connection: BaseDatabaseWrapper) -> bool:
    """Whether nothing has been made in this database yet. Raises django.db.Error."""
    return not connection.introspection.table_names()


def create_first_schema(connection: BaseDatabaseWrapper) -> None:
    """Make every table, and note all migrations as applied: all of it in one transaction, or nothing.

    What migrations do besides what the models say is done too, unless it is marked `elidable`: that only concerns rows, of which
    there are none. Raises django.db.Error.
    """
    executor = MigrationExecutor(connection)
    plan = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    with transaction.atomic(using=connection.alias):
        executor.recorder.ensure_schema()
        with connection.schema_editor() as editor:
            for model in apps.get_models():
                if model._meta.can_migrate(connection):
                    editor.create_model(model)
            for migration in plan:
                _run_by_hand(migration, editor)
        for migration in plan:
            executor.recorder.record_applied(migration.app_label, migration.name)


def _run_by_hand(migration: Migration, editor: BaseDatabaseSchemaEditor) -> None:
    """What the migration does in SQL or Python of its own. Libraries say all in their models."""
    if not type(migration).__module__.startswith("seatrial."):
        return
    nothing = ProjectState()
    for operation in migration.operations:
        if isinstance(operation, RunSQL | RunPython) and not operation.elidable:
            operation.database_forwards(migration.app_label, editor, nothing, nothing)
