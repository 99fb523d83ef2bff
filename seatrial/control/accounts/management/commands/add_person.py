"""`manage add_person`: gives somebody an account with a role in a workspace."""

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from seatrial.control.accounts.models import Role, User, Workspace
from seatrial.control.accounts.services import add_person, set_role


class Command(BaseCommand):
    """Makes an account. Somebody who has one already gets the role and keeps their password."""

    help = "Make an account with a role in a workspace, or change the role of somebody who has one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The person's name, their role and workspace, and where their password is."""
        parser.add_argument("name")
        parser.add_argument("--role", choices=Role.values, required=True)
        parser.add_argument("--workspace", default="default", help="its slug")
        parser.add_argument(
            "--password-file",
            type=Path,
            help="a file with the password; without it, the command asks for one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account or change the role; both are recorded in the audit log."""
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            there = ", ".join(Workspace.objects.order_by("slug").values_list("slug", flat=True))
            raise CommandError(f"--workspace: there is no {options['workspace']!r}, only: {there or 'none'}")
        role = Role(options["role"])
        user = User.objects.filter(username=options["name"]).first()
        if user is not None:
            set_role(workspace, user, role)
            self.stdout.write(f"{user} is {role} of {workspace}; the password is unchanged")
            return
        try:
            user = add_person(options["name"], _password(options["password_file"]), workspace, role)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{user} may sign in, and is {role} of {workspace}")


def _password(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"--password-file: {error}") from error
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal on which to ask for a password: give --password-file")
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        raise CommandError("The two passwords differ")
    return password
