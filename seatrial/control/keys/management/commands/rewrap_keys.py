"""`manage rewrap_keys`: rotate the master key, once the settings name another one and the former as a fallback."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.keys.services import begin_rewrap, go_on
from seatrial.control.vault import rewrapping
from seatrial.control.vault.errors import VaultError
from seatrial.wire.counted import counted


class Command(BaseCommand):
    """Ends with exit code 1 if a value does not open with the newest key alone."""

    help = "Seal every stored secret anew with the newest master key, then check that it opens all of them. Run it again after a crash."

    def add_arguments(self, parser: CommandParser) -> None:
        """What only looks, and what a lost key takes."""
        parser.add_argument("--verify", action="store_true", help="only check, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Begin or go on, to the end."""
        try:
            if not options["verify"]:
                begin_rewrap(by=SYSTEM)
                go_on()
            found = rewrapping.verify()
        except VaultError as error:
            raise CommandError(str(error)) from error
        for one in found.closed:
            self.stderr.write(one.reason)
        if found.closed:
            raise CommandError(
                f"{counted(len(found.closed), 'stored secret')} cannot be opened with the newest master key: keep the former one in "
                "GALLEY_MASTER_KEY_FALLBACKS"
            )
        self.stdout.write(
            f"{counted(found.opened, 'stored secret')}: the newest master key opens all. Former ones may go from "
            "GALLEY_MASTER_KEY_FALLBACKS; backups from before need them."
        )
