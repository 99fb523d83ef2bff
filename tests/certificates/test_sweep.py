"""The worker's sweep over certificates. Nothing runs here."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.conf import settings as django_settings

from seatrial.control.certificates.looking import look_at_all
from seatrial.control.worker import sweeps
from seatrial.control.worker.database import Database
from seatrial.control.worker.sweeps import CertificateSweep


class Threads:
    """Counts what was to be run in them."""

    def __init__(self) -> None:
        self.looks = 0
        self.twice = asyncio.Event()

    async def run(self, function: Callable[[], None]) -> None:
        assert function is look_at_all
        self.looks += 1
        if self.looks == 2:
            self.twice.set()


async def test_it_looks_again_and_again(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    update = {"galley_ingress_url": "https://127.0.0.1:443"}
    settings.CONFIGURATION = django_settings.CONFIGURATION.model_copy(update=update)
    monkeypatch.setattr(sweeps, "CERTIFICATES_SECONDS", 0.01)
    threads = Threads()
    running = asyncio.create_task(CertificateSweep(cast(Database, threads)).run())
    async with asyncio.timeout(60):
        await threads.twice.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_where_nothing_is_served_it_forgets_and_ends() -> None:
    threads = Threads()
    async with asyncio.timeout(60):
        await CertificateSweep(cast(Database, threads)).run()
    assert threads.looks == 1
