"""`manage rotate_signing_key`: from now on, another key signs results."""

from typing import Any

from django.core.management.base import BaseCommand

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.policies.signing.services import rotate


class Command(BaseCommand):
    """Makes a key, and retires the one that signed."""

    help = "Have another key sign results from now on; the public half of the old one is kept."

    def handle(self, *args: Any, **options: Any) -> None:
        """Recorded in the audit log."""
        made = rotate(by=SYSTEM)
        self.stdout.write(f"Results are signed with key {made.key_id} from now on.")
        self.stderr.write("Those who check them offline need its public half: GET /api/v1/signing-keys.")
