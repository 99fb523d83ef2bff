"""The web process: `python -m seatrial.control.web --port 3000`, which is uvicorn with bounds on what strangers send."""

import argparse
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import uvicorn

from seatrial import __version__
from seatrial.lasting import lasting

if TYPE_CHECKING:
    from seatrial.control.body_limit import Application

STOP_SECONDS = 3
WEBSOCKETS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 200_000,
    "ws_ping_timeout": None,  # while a tunnel holds a client back, its pongs are not read
    "ws_per_message_deflate": False,
}


def options(arguments: list[str] | None = None) -> dict[str, Any]:
    """The options for uvicorn that the command line gives."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.control.web", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=3000, help="port to listen on")
    parser.add_argument(
        "--trusted-proxy",
        default="",
        help="address of the proxy whose forwarded client addresses are trusted",
    )
    chosen = parser.parse_args(arguments)
    return {
        "host": chosen.host,
        "port": chosen.port,
        "proxy_headers": bool(chosen.trusted_proxy),
        "forwarded_allow_ips": chosen.trusted_proxy or None,
    }


def application() -> "Application":
    """The application, with everything imported that answers need, so that the first one does not wait for that."""
    with lasting():
        import structlog
        from django.conf import settings

        from seatrial.control.asgi import application

        import_module(settings.ROOT_URLCONF)
        structlog.get_logger(__name__).info("web started", release=__version__, site_url=settings.SITE_URL)
    return application


def _read_settings() -> None:
    """Before anything else is imported, because a library that reads them first makes tracebacks of our sentences."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    import_module(os.environ["DJANGO_SETTINGS_MODULE"])


def main() -> None:
    """Serve until told to stop. A process that cannot start ends with an exit code that says so."""
    chosen = options()
    _read_settings()
    from seatrial.control.header_limit import HeaderLimit

    uvicorn.run(
        application,
        factory=True,
        http=HeaderLimit,
        **WEBSOCKETS,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        **chosen,
    )


if __name__ == "__main__":
    main()
