"""A code host behind TLS with an authority of its own, that answers whatever a test wants."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from seatrial.control import outbound
from seatrial.control.airgap import agents
from seatrial.control.configuration import Configuration
from tests.airgap.authorities import Made, of_server
from tests.waiting import LIMIT_SECONDS

Answering = Callable[[Request], Response]


def as_gitlab(_: Request) -> Response:
    return Response('{"message":"401 Unauthorized"}', 401, content_type="application/json")


@contextmanager
def serving(server: Made | None, answer: Answering) -> Iterator[str]:
    """The address of a server; without a certificate it speaks no TLS."""
    context = None
    if server is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(_folder()))
            (folder / "both.pem").write_bytes(server.pem + server.key_pem)
            context.load_cert_chain(folder / "both.pem")
    made = make_server("127.0.0.1", 0, Request.application(answer), threaded=True, ssl_context=context)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"{'https' if server else 'http'}://localhost:{made.server_port}"
    finally:
        made.shutdown()
        thread.join(LIMIT_SECONDS)
        made.server_close()


def _folder() -> Any:
    import tempfile

    return tempfile.TemporaryDirectory()


@pytest.fixture(scope="session")
def root() -> Made:
    return Made()


@pytest.fixture
def trusted(root: Made, tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(root.pem)
    return tmp_path / "ca.pem"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no authorities but those of the test; nobody waits for an agent that is still joining."""
    for name in ("GITGRIT_CUSTOM_CA_FILE_PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(agents, "JOINING_SECONDS", 0.0)
    outbound._context.cache_clear()


@pytest.fixture
def gitlab(root: Made) -> Iterator[Callable[[Answering], str]]:
    """Open a code host that answers so."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(serving(of_server(root), answer))


@pytest.fixture
def unresolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name resolves but this machine's."""
    real = socket.getaddrinfo

    def looked_up(host: str, *rest: Any, **options: Any) -> Any:
        if host in {"localhost", "127.0.0.1"}:
            return real(host, *rest, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


def configuration(**values: Any) -> Configuration:
    return Configuration(**{"site_url": "https://seatrial.acme.test", "airgapped": True, **values})
