"""`manage bootstrap`: the first data of an embedded install."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seatrial.control.installation.first_data import bootstrap
from seatrial.control.start import refuse_unfit


class Command(BaseCommand):
    """Idempotent: keeps everything that exists."""

    help = "Make the workspace, its admin with an API token, the local forge and the starter policies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The admin's name, and the files of their password and their token."""
        parser.add_argument("--username", default="admin")
        parser.add_argument("--password-file", type=Path, required=True, help="holds the admin's password")
        parser.add_argument("--token-file", type=Path, required=True, help="gets the API token, mode 0600")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the first data. Run it after `migrate`."""
        refuse_unfit()
        try:
            password = options["password_file"].read_text().strip()
        except OSError as error:
            raise CommandError(f"--password-file: {error}") from error
        if not password:
            raise CommandError(f"--password-file: {options['password_file']} is empty")
        bootstrap(options["username"], password, options["token_file"])
