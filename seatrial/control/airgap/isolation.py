"""Whether this process can reach the public internet. Only `airgap_smoketest --check-isolation` asks that, with or without AIRGAPPED."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from seatrial import outside
from seatrial.control.airgap.findings import Finding, fail, ok, warn
from seatrial.wire.hosts import OUTSIDE, address

FIRST = OUTSIDE[0][0]
TARGET = address(*OUTSIDE[0])


def checked(proxies: Mapping[str, str]) -> Iterator[Finding]:
    """From this process, by TCP: a bundle that trusts only your authorities makes a request by HTTPS fail also where the way is open.

    That a name does not resolve proves nothing; so addresses are tried, too.
    """
    yield ok(
        "trying to reach the public internet, which nothing else does where AIRGAPPED is True: a connection that opens is closed at once"
    )
    attempts = asyncio.run(outside.tried())
    reached = [attempt.target for attempt in attempts if not attempt.problem]
    for target in reached:
        yield fail(
            f"public internet is reachable: TCP {target} accepted a connection. This is NOT an air-gapped install."
        )
    if not reached:
        yield ok(f"public internet appears blocked ({TARGET} is unreachable)")
        yield ok(f"so are {', '.join(attempt.target for attempt in attempts if attempt.target != TARGET)}")
        yield from _resolves()
    yield from (
        _through(scheme, url) for scheme, url in proxies.items() if scheme in {"http", "https", "all"}
    )


def _resolves() -> Iterator[Finding]:
    try:
        found = socket.getaddrinfo(FIRST, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    yield warn(
        f"{FIRST} resolves here ({found[0][4][0]}) although nothing outside can be reached: your resolver passes questions on to the "
        "outside, and data can leave in them"
    )


def _through(scheme: str, url: str) -> Finding:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return warn(
        f"{scheme.upper()}_PROXY is set (host {parts.hostname}): what it lets out cannot be seen from here. Unset it, or make sure that it "
        "leads to nothing outside"
    )
