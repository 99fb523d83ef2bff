"""The web process's entry point: `uvicorn seatrial.control.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from seatrial.control.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
_django = get_asgi_application()

from django.conf import settings  # noqa: E402 (Django must be set up first)

from seatrial.control.start import refuse_unfit  # noqa: E402

refuse_unfit()
application = BodyLimit(_django, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
