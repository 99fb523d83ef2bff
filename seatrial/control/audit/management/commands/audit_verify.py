"""`manage audit_verify`: whether the audit log is as it was sealed, without the web process."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seatrial.control.audit.checking import check, head_of
from seatrial.control.inputs import InvalidInput


class Command(BaseCommand):
    """Ends with 1, and says what is wrong, where something is."""

    help = "Verify that every entry of the audit log is as it was sealed, and none is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A head that was kept, and the form of the answer."""
        parser.add_argument(
            "--head",
            default="",
            metavar="NUMBER:HASH",
            help="what an earlier run printed: it must be in the chain",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Changes nothing, but remembers for the page what was found."""
        try:
            found = check(head_of(options["head"]))
        except InvalidInput as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found.told()))
        elif found.fault is None:
            self.stdout.write(
                f"{found.entries} entries are as they were sealed; {found.waiting} wait, {found.removed} aged out."
            )
            self.stdout.write(f"head {found.head}")
        if found.fault:
            raise CommandError(f"{found.fault.says} ({found.fault.kind})")
