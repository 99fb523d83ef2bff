"""The dashboard under test: filled rows, and a real server with a real browser in front."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.dashboard.server import serving
from tests.engines import missing, require

if TYPE_CHECKING:  # models cannot be imported before Django is set up, and this file is read before
    from playwright.sync_api import Browser

    from tests.dashboard.harbour import Harbour

AXE = "axe-core@4.14.1"


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


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    program = require("chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's source, fetched once per session and checked by npm."""
    directory = tmp_path_factory.mktemp("axe")
    command = [require("npm"), "pack", "--json", AXE, "--pack-destination", str(directory)]
    packed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    archives = list(Path(directory).glob("*.tgz"))
    if packed.returncode or not archives:
        missing(f"axe-core could not be fetched: {packed.stderr.strip()[-300:]}")
    with tarfile.open(archives[0]) as tar:
        source = tar.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


def as_json(value: Any) -> str:
    """For messages of failed assertions."""
    return json.dumps(value, indent=1)
