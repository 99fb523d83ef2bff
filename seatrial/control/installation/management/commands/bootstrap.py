"""`manage bootstrap`: prepares the database of an embedded install."""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seatrial.control.installation.errors import InstallationError
from seatrial.control.installation.first_data import bootstrap
from seatrial.control.installation.preparation import prepare


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

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the database, and make the first data."""
        try:
            password = options["password_file"].read_text().strip()
        except OSError as error:
            raise CommandError(f"--password-file: {error}") from error
        if not password:
            raise CommandError(f"--password-file: {options['password_file']} is empty")
        try:
            prepare(partial(bootstrap, options["username"], password, options["token_file"]))
        except InstallationError as error:
            raise CommandError(str(error)) from error
