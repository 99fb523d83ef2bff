"""The far end of a tunnel."""

from typing import Protocol

from seatrial.wire.tunnels import Kind


class Far(Protocol):
    """A command in a container, or a connection to a port. Calls raise OSError when it is gone; `close` never does."""

    ends_with_output: bool  # else what it is told may go on after it has said everything

    async def read(self) -> tuple[Kind, bytes] | None:
        """What it says next; None when it has said everything."""

    async def write(self, data: bytes) -> None:
        """Send it all of `data`."""

    async def end_input(self) -> None:
        """Nothing more is written."""

    async def resize(self, rows: int, columns: int) -> None:
        """Its terminal, if it has one, is of this size now."""

    async def exit_code(self) -> int | None:
        """Asked once it has said everything, before it is closed. None where there is no such thing."""

    async def close(self) -> None:
        """End it, with everything it started. Idempotent."""
