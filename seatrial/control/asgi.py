"""The application that the web process serves; `control.web` is how it does."""

import os

from asgi_correlation_id import CorrelationIdMiddleware
from django.core.asgi import get_asgi_application
from structlog.contextvars import bind_contextvars

from seatrial.control.body_limit import Application, BodyLimit, Scope

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
_django: Application = get_asgi_application()

from seatrial.control.entrance.ahead import Ahead  # noqa: E402 (Django must be set up first)
from seatrial.control.forges import body_bound  # noqa: E402
from seatrial.control.forges.door import Door  # noqa: E402
from seatrial.control.previews.pages import hosts  # noqa: E402
from seatrial.control.start import refuse_unfit  # noqa: E402
from seatrial.control.tunnels.ahead import Tunnels  # noqa: E402

refuse_unfit()


async def _bound(scope: Scope) -> int:
    """Under a preview's host name no address means anything."""
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(named) == 1 and hosts.is_of_previews(named[0]):
        return body_bound.OTHER_BYTES
    return await body_bound.body_bound(scope)


def _noted(identity: str) -> str:
    """From here on, each line about this request has its id. A request is a task of its own."""
    bind_contextvars(request=identity)
    return identity


application: Application = CorrelationIdMiddleware(
    BodyLimit(Tunnels(Ahead(Door(_django))), _bound), transformer=_noted
)
