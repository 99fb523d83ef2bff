"""Migrations and the first data in one process: `python -m seatrial.embedded.first_data <arguments of bootstrap>`.

Starting Django twice would double the time of this step. Idempotent; exits with 1 when either fails.
"""

import sys

import django
from django.core.management import call_command
from django.core.management.base import CommandError


def main() -> None:
    """Migrate, then bootstrap."""
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    try:
        call_command("bootstrap", *sys.argv[1:])
    except CommandError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
