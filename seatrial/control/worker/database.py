"""Runs the sync ORM for the async worker, in a few threads with a connection each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

THREADS = 8
P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Runs sync functions that use the ORM. A broken connection is dropped, so the next call opens a new one."""

    def __init__(self, threads: int = THREADS) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="database")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in a thread. Cancelling the caller does not stop what the thread has begun."""

        def call() -> T:
            close_old_connections()
            try:
                return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await sync_to_async(call, thread_sensitive=False, executor=self._executor)()

    def close(self) -> None:
        """Wait for running calls, and end the threads."""
        self._executor.shutdown(wait=True)
