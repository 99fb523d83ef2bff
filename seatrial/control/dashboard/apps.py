"""Django's record of this app, and what its live streams share within one process."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

from django.apps import AppConfig, apps

POLLING_THREADS = 2  # each keeps one database connection, however many people watch


class DashboardConfig(AppConfig):
    """The name and the label of the app, and what all open streams share.

    That is the polling threads, and the notice that the process stops.
    """

    name = "seatrial.control.dashboard"
    label = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Prepare; threads start with the first stream."""
        self.polling = ThreadPoolExecutor(POLLING_THREADS, thread_name_prefix="stream-poll")
        self.closing = False
        self._open: set[Callable[[], object]] = set()
        self._chained = False

    @contextlib.contextmanager
    def stream(self, end: asyncio.Event) -> Iterator[None]:
        """Inside the block, `end` is set as soon as this process gets a signal to stop; see `watch_signals`.

        A web server waits for its open responses before it stops, and a stream would never end by itself.
        """
        loop = asyncio.get_running_loop()

        def stop() -> object:
            return loop.call_soon_threadsafe(end.set)

        self._open.add(stop)
        try:
            yield
        finally:
            self._open.discard(stop)

    def watch_signals(self) -> None:
        """From now on, SIGTERM and SIGINT end this process's streams. Only a call on the main thread has an effect."""
        if self._chained or threading.current_thread() is not threading.main_thread():
            return
        self._chained = True
        for number in (signal.SIGTERM, signal.SIGINT):
            self._chain(number, signal.getsignal(number))

    def _chain(self, number: int, before: Any) -> None:
        def handle(received: int, frame: FrameType | None) -> None:
            self.closing = True
            for stop in list(self._open):
                stop()
            if callable(before):
                before(received, frame)
            elif before == signal.SIG_DFL:
                signal.signal(received, signal.SIG_DFL)
                signal.raise_signal(received)

        signal.signal(number, handle)


def dashboard() -> DashboardConfig:
    """The one DashboardConfig of this process."""
    config = apps.get_app_config("dashboard")
    assert isinstance(config, DashboardConfig)
    return config
