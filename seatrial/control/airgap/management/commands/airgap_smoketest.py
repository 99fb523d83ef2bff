"""`manage airgap_smoketest`: finds out whether an air-gapped install can do its work, and nothing else."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from seatrial.control.airgap.findings import Mark
from seatrial.control.airgap.printing import printable
from seatrial.control.airgap.smoketest import Smoketest


class Command(BaseCommand):
    """Changes nothing. One line for each thing on standard output; exit code 1 if one is marked FAIL."""

    help = "Check that this install reaches its GitLab over TLS, and that its agents can run sandboxes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--check-isolation`."""
        parser.add_argument(
            "--check-isolation",
            action="store_true",
            help="also try to reach the public internet, from here and from agents and their sandboxes; it must fail",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each line as soon as it is known."""
        printable()
        styles = {Mark.OK: self.style.SUCCESS, Mark.WARN: self.style.WARNING, Mark.FAIL: self.style.ERROR}
        failed = False
        for finding in Smoketest(
            settings.CONFIGURATION, check_isolation=options["check_isolation"]
        ).findings():
            failed = failed or finding.mark is Mark.FAIL
            self.stdout.write(styles[finding.mark](finding.line))
            self.stdout.flush()
        if failed:
            raise CommandError(
                "airgap_smoketest FAILED: correct what the lines with FAIL name, and run it again."
            )
        self.stdout.write(self.style.SUCCESS("airgap_smoketest PASSED"))
