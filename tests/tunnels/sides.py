"""Both sides of a tunnel without a bus."""

import asyncio

from seatrial.wire.tunnels import Kind, Way


def sides() -> tuple[Way, Way]:
    """The near side and the far one: what one publishes, the other receives."""

    async def to_far(frame: bytes) -> None:
        far.received(frame)

    async def to_near(frame: bytes) -> None:
        near.received(frame)

    near, far = Way(to_far), Way(to_near)
    return near, far


class Echo:
    """A far end that says what it is told, and ends when its input does."""

    ends_with_output = True

    def __init__(self, *, code: int = 0) -> None:
        self.said: asyncio.Queue[tuple[Kind, bytes] | None] = asyncio.Queue()
        self.sizes: list[tuple[int, int]] = []
        self.closed = False
        self._code = code

    async def read(self) -> tuple[Kind, bytes] | None:
        return await self.said.get()

    async def write(self, data: bytes) -> None:
        self.said.put_nowait((Kind.OUTPUT, data))

    async def end_input(self) -> None:
        self.said.put_nowait(None)

    async def resize(self, rows: int, columns: int) -> None:
        self.sizes.append((rows, columns))

    async def exit_code(self) -> int | None:
        assert not self.closed
        return self._code

    async def close(self) -> None:
        self.closed = True
