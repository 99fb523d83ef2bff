"""`manage agent_token`: for a host whose server knows no dashboard yet, or whose database was restored."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.fleet.errors import UnfitName
from seatrial.control.fleet.services import issue_bootstrap


class Command(BaseCommand):
    """Makes a bootstrap token, and shows it once."""

    help = "Make a bootstrap token with which one agent joins, within a day; it takes the place of an agent of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The agent's name."""
        parser.add_argument("name", help="what the agent will be called, such as local")

    def handle(self, *args: Any, **options: Any) -> None:
        """Recorded in the audit log. Earlier tokens for the name that nobody used are void."""
        try:
            token = issue_bootstrap(options["name"], by=SYSTEM)
        except UnfitName as error:
            raise CommandError(str(error)) from error
        self.stdout.write(token)
        self.stderr.write(f"Set it as GALLEY_AGENT_TOKEN of {options['name']} within a day. It is good once.")
