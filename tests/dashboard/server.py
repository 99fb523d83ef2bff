"""The web process, for a browser: the real ASGI application on a free port, in a thread of this process."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import uvicorn

from seatrial.control.web import WEBSOCKETS


@contextlib.contextmanager
def serving(application: Callable[..., Any]) -> Iterator[str]:
    """The address while inside. Whoever has a stream open closes it before leaving: it is cut off only after a while.

    What is cut off leaves files and connections behind, which fail a later test.
    """
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=15,
        access_log=False,
        **WEBSOCKETS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended while starting"
        time.sleep(0.02)
    try:
        yield f"http://localhost:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "requests go on while the next test begins"


def cookies_of(base: str, name: str) -> httpx.Client:
    from tests.factories import PASSWORD

    client = httpx.Client(base_url=base, follow_redirects=True, timeout=60, verify=False)
    client.get("/accounts/login/")
    answer = client.post(
        "/accounts/login/",
        data={"login": name, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]},
    )
    assert answer.url.path == "/"
    return client
