"""`manage bootstrap`: prepares the database of an embedded install."""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seatrial import files
from seatrial.control.installation.backups import Backups
from seatrial.control.installation.errors import InstallationError, MigrationFailed
from seatrial.control.installation.first_data import bootstrap
from seatrial.control.installation.preparation import prepare
from seatrial.control.installation.prepared import Prepared
from seatrial.control.start import CannotStart


class Command(BaseCommand):
    """Idempotent: keeps everything that exists."""

    help = (
        "Bring the database to this release; make the workspace, its admin with an API token, the local forge and the "
        "starter policies."
    )
    requires_system_checks: list[str] = []  # they take as long as all the rest

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The admin's name, and the files of their password and their token."""
        parser.add_argument("--username", default="admin")
        parser.add_argument("--password-file", type=Path, required=True, help="holds the admin's password")
        parser.add_argument("--token-file", type=Path, required=True, help="gets the API token, mode 0600")

        parser.add_argument(
            "--backups", type=Path, help="folder for the backup before an upgrade; with --pg-dump"
        )
        parser.add_argument("--pg-dump", type=Path, help="the program that makes it")
        parser.add_argument("--report", type=Path, help="gets what came of it, as `Prepared`")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the database, and make the first data."""
        try:
            password = options["password_file"].read_text().strip()
        except OSError as error:
            raise CommandError(f"--password-file: {error}") from error
        if not password:
            raise CommandError(f"--password-file: {options['password_file']} is empty")
        first_data = partial(bootstrap, options["username"], password, options["token_file"])
        folder, program = options["backups"], options["pg_dump"]
        try:
            done = prepare(first_data, Backups(folder, program) if folder and program else None)
        except (InstallationError, CannotStart) as error:
            backup = error.backup if isinstance(error, MigrationFailed) else None
            problem = Prepared(
                problem=str(error), backup=backup, of_master_key=getattr(error, "of_master_key", False)
            )
            _report(options["report"], problem)
            raise CommandError(str(error)) from error
        _report(options["report"], done)


def _report(file: Path | None, done: Prepared) -> None:
    if file:
        files.replace(file, done.model_dump_json(), mode=0o600)
