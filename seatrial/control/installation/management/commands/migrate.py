"""`migrate`, as Django has it; a new database is not led through all of history."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from seatrial.control.installation.first_schema import create_first_schema, is_new

ONLY_SOME = ("app_label", "migration_name", "fake", "fake_initial", "plan", "check_unapplied", "prune")


class Command(migrate.Command):
    """Makes the schema of a new database at once, and does then what Django's does: here, what follows every migration."""

    def handle(self, *args: Any, **options: Any) -> None:
        """As Django's. Raises CommandError or django.db.Error."""
        connection = connections[options["database"]]
        if not any(options[name] for name in ONLY_SOME) and is_new(connection):
            create_first_schema(connection)
        super().handle(*args, **options)
