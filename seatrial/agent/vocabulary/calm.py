"""Whether somebody is at work who would wait longer if the processors did something else meanwhile."""

import asyncio
import contextlib
from collections.abc import Iterator


class Calm:
    """Work says that it goes on (`disturbed`), and what can wait waits for its end, though never for long."""

    def __init__(self) -> None:
        self._at_work = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextlib.contextmanager
    def disturbed(self) -> Iterator[None]:
        """There is work as long as the block runs."""
        self._at_work += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._calm.set()

    async def wait(self, seconds: float) -> None:
        """Until there is no work, or for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._calm.wait()
