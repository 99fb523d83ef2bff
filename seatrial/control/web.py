"""The web process: `python -m seatrial.control.web --port 3000`, which is uvicorn with bounds on what strangers send."""

import argparse
from typing import Any

import uvicorn

from seatrial.control.header_limit import HeaderLimit

STOP_SECONDS = 3


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


def main() -> None:
    """Serve until told to stop. A process that cannot start ends with an exit code that says so."""
    uvicorn.run(
        "seatrial.control.asgi:application",
        http=HeaderLimit,
        ws="none",
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        **options(),
    )


if __name__ == "__main__":
    main()
