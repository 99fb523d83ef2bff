"""Django's own commands: `seatrial manage`, or `python -m seatrial.control.manage`."""

import os
import sys

from seatrial.lasting import lasting


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    with lasting():
        import django
        from django.core.management import execute_from_command_line

        django.setup()
    execute_from_command_line(["seatrial manage", *sys.argv[1:]])  # what its help calls itself


if __name__ == "__main__":
    main()
