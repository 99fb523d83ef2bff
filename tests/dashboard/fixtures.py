"""The dashboard under test: filled rows, and a real server with a real browser in front."""

import importlib.resources
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.bus.servers import NatsServer
from tests.dashboard.chromium import browsing
from tests.dashboard.server import serving
from tests.dashboard.waiting import WAIT_SECONDS
from tests.engines import require

if TYPE_CHECKING:  # models cannot be imported before Django is set up, and this file is read before
    from playwright.sync_api import Browser, BrowserContext

    from tests.dashboard.harbour import Harbour

expect.set_options(timeout=WAIT_SECONDS * 1000)


@pytest.fixture
def harbour(db: None) -> "Harbour":
    """Every state once."""
    from tests.dashboard.harbour import fill

    return fill()


@pytest.fixture
def served(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the real application. Its rows are committed, so other threads see them."""
    from seatrial.control.asgi import application

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs a loop in this thread
    with serving(application) as base:
        yield base


@pytest.fixture
def busy(served: str) -> "Harbour":
    """Every state once, seen by the server."""
    from tests.dashboard.harbour import fill

    return fill()


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NatsServer]:
    """The bus that the pages' settings name, with its streams."""
    server = NatsServer(require("nats-server"), tmp_path)
    try:
        server.start()
        _point_at(server, monkeypatch)
        yield server
    finally:
        server.kill()


def _point_at(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from seatrial.control.bus import ensure_streams
    from tests.dashboard.lines import run

    configuration = settings.CONFIGURATION.model_copy(
        update={
            "galley_nats_url": server.url,
            "galley_nats_credentials": server.identity.control_credentials,
            "galley_nats_signing_seed": server.identity.signing_seed,
        }
    )
    monkeypatch.setattr(settings, "CONFIGURATION", configuration)
    run(ensure_streams(configuration))


def prepared(context: "BrowserContext") -> None:
    """What every page of a test has."""
    context.set_default_timeout(WAIT_SECONDS * 1000)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """The distribution's Chromium."""
    with browsing() as chromium:
        chromium.on("context", prepared)
        yield chromium


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's source, as the locked package axe-playwright-python carries it."""
    return importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()


def as_json(value: Any) -> str:
    """For messages of failed assertions."""
    return json.dumps(value, indent=1)
