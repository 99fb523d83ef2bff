"""Chromium that does not see networks come and go, because other tests make and remove those of containers.

When an address of the machine changes, Chromium gives up every request that waits for a connection (ERR_NETWORK_CHANGED),
whichever network it was. It learns of changes from the kernel by a netlink socket, and takes the network for steady where
it cannot have one. So it is started without.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engines import require

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STARTS = Path(__file__).with_name("without_netlink.py")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@contextmanager
def browsing(*more: str) -> "Iterator[Browser]":
    """The distribution's Chromium, started with `more` arguments."""
    from playwright.sync_api import sync_playwright

    program = require("chromium")
    with tempfile.TemporaryDirectory(prefix="chromium-") as directory, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_starter(Path(directory), program), args=[*ARGUMENTS, *more]
        )
        try:
            yield browser
        finally:
            browser.close()


def _starter(directory: Path, program: str) -> Path:
    """One file, because that is what Playwright starts."""
    starter = directory / "chromium"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{STARTS}" "{program}" "$@"\n')
    starter.chmod(0o755)
    return starter
