"""The worker process: `python -m seatrial.control.worker`."""

import argparse
import asyncio
import os
from pathlib import Path

import django

from seatrial.lasting import lasting


def main() -> None:
    """Set Django up, then work until a signal to stop."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.control.worker", description=__doc__)
    parser.add_argument(
        "--beat", type=Path, help="a file that is written anew while the worker does its work"
    )
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    with lasting():
        django.setup()

        from django.conf import settings

        from seatrial.control.start import refuse_unfit
        from seatrial.control.worker.main import serve

    refuse_unfit()
    asyncio.run(serve(settings.CONFIGURATION, beat_file=chosen.beat))


if __name__ == "__main__":
    main()
