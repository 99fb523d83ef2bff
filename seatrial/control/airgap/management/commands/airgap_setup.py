"""`manage airgap_setup`: prepares an air-gapped install."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from seatrial.control.airgap.printing import printable
from seatrial.control.airgap.setup import migrated, steps
from seatrial.control.errors import ControlError
from seatrial.wire.visible import visible


class Command(BaseCommand):
    """Idempotent. Ends at the first step that fails, with its reason on standard error and exit code 1."""

    help = "Check SITE_URL and the operator's CA bundle, migrate the database, and follow the settings of sign-in."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it after the stack is up, and again after every change of .env and every upgrade."""
        printable()
        try:
            for line in steps(settings.CONFIGURATION, migrated):
                self.stdout.write(visible(line))
        except ControlError as error:
            raise CommandError(visible(str(error))) from error
