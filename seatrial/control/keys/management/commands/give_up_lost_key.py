"""`manage give_up_lost_key`: start again although the master key of this database is lost."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.keys.reentry import reentries
from seatrial.control.keys.services import give_up_former_key
from seatrial.control.vault.errors import VaultError


class Command(BaseCommand):
    """Lists what is lost, and where each can be entered again."""

    help = "Go on with another master key although the one before is lost, with every secret that it sealed."

    def add_arguments(self, parser: CommandParser) -> None:
        """There is no way back but the lost key."""
        parser.add_argument("--yes", action="store_true", help="do it; without, nothing is changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Recorded in the audit log."""
        if not options["yes"]:
            raise CommandError(
                "nothing was changed. Is there really no copy of the master key, also with no backup? Then repeat this with --yes"
            )
        try:
            lost = give_up_former_key(by=SYSTEM)
            found = reentries()
        except VaultError as error:
            raise CommandError(str(error)) from error
        if not lost:
            self.stdout.write("Nothing is lost: the master key is the one of this database.")
        for one in found:
            self.stdout.write(f"{one.what}: {one.how} {one.address}".rstrip())
        if lost:
            self.stdout.write(
                f"The master key {lost} was given up. Start the server; it has this list at /keys."
            )
