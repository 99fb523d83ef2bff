"""The worker process: `python -m seatrial.control.worker`."""

import asyncio
import os

import django

from seatrial.control.lasting import lasting


def main() -> None:
    """Set Django up, then work until a signal to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    with lasting():
        django.setup()

        from django.conf import settings

        from seatrial.control.start import refuse_unfit
        from seatrial.control.worker.main import serve

    refuse_unfit()
    asyncio.run(serve(settings.CONFIGURATION))


if __name__ == "__main__":
    main()
