"""The web process's entry point: `uvicorn seatrial.control.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
application = get_asgi_application()
