"""`manage remove_second_factor`: for somebody who has lost everything but their password."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from seatrial.control.accounts.models import User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM


class Command(BaseCommand):
    """Removes passkeys, app and recovery codes. The password stays, and so do sessions."""

    help = (
        "Remove somebody's passkeys, authenticator app and recovery codes: their password alone lets them in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The person's name."""
        parser.add_argument("name")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Each is recorded in the audit log."""
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is nobody called {options['name']!r}")
        theirs = list(Authenticator.objects.filter(user=user))
        if not theirs:
            raise CommandError(f"{user} has no second factor")
        for one in theirs:
            audit.record(
                "second_factor.remove", f"user/{user.username}", by=SYSTEM, details={"kind": one.type}
            )
            one.delete()
        self.stdout.write(f"{user} has no second factor any more, and adds a new one on the page Security")
