"""What a start imports: little, and the garbage collector is as it was."""

import gc
import importlib
import subprocess
import sys

import httpx
import pytest
import structlog.dev
from nats.aio import transport

from seatrial.lasting import lasting, without


def test_what_nobody_uses_is_not_taken_along() -> None:
    assert transport.aiohttp is None, "the control plane's settings import NATS's client without it"
    assert structlog.dev.rich is None
    assert httpx.main.__module__ == "httpx", "its command is not imported"


def test_nothing_that_guesses_encodings_is_taken_along() -> None:
    """In a process of its own: plug-ins of pytest take along what they like."""
    looks = "import seatrial.control.settings, requests.compat; assert requests.compat.chardet is None"
    subprocess.run([sys.executable, "-W", "error", "-c", looks], check=True)


def test_a_module_is_hidden_inside_and_can_be_imported_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with without("colorsys", "json"):
        with pytest.raises(ImportError):
            importlib.import_module("colorsys")
        assert importlib.import_module("json").loads("1") == 1, "it was here before"
    assert importlib.import_module("colorsys").rgb_to_hls


@pytest.mark.parametrize("looking", [True, False])
def test_garbage_is_looked_for_afterwards_if_it_was_before(looking: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if looking else gc.disable)()
        with lasting():
            assert not gc.isenabled()
        assert gc.isenabled() == looking
    finally:
        (gc.enable if before else gc.disable)()
