"""Everything that web and worker import, with Django set up. `tests.worker.forked` imports this once, in the environment of a stack."""

import importlib
import os

import django

from seatrial.lasting import lasting

OF_WEB = (
    "uvicorn",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "django.core.handlers.asgi",
    "seatrial.control.header_limit",
    "seatrial.control.body_limit",
    "seatrial.control.entrance.ahead",
    "seatrial.control.forges.door",
    "seatrial.control.tunnels.ahead",
)
GIVEN = dict(os.environ)  # Django adds to it
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
with lasting():
    django.setup()
    from django.conf import settings

    for name in (
        *OF_WEB,
        "seatrial.control.start",
        "seatrial.control.worker.main",
        settings.ROOT_URLCONF,
        *(name.rpartition(".")[0] for name in settings.MIDDLEWARE),
    ):
        importlib.import_module(name)
