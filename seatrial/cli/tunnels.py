"""The near end of a tunnel into a preview: a WebSocket, whose binary messages are frames (`seatrial.wire.tunnels`) without numbers."""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from seatrial.cli.api import AWAY, Api, PlatformAway, refusal_of
from seatrial.cli.errors import CommandError
from seatrial.embedded.typed import typed
from seatrial.wire.tunnels import PIECE, Kind, Outcome, TunnelEnd

CONNECT_SECONDS = 30.0
MOST_OF_A_MESSAGE = 200_000
SENTENCES = {
    Outcome.IDLE: "nothing was carried for 30 minutes, so it was closed.",
    Outcome.FORBIDDEN: "you may not do this any more.",
    Outcome.STOPPED: "the preview does not run any more, or its project allows this no longer.",
    Outcome.CLOSED: "it was closed.",
}


class Tunnel:
    """One that is asked for. It is open once `frames` has given OPENED."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, kind: Kind, content: bytes = b"") -> None:
        """Send one frame, and wait while the other end holds it back. What comes after the end is dropped."""
        with contextlib.suppress(ConnectionClosed):
            for begin in range(0, len(content) or 1, PIECE):
                await self._connection.send(bytes([kind]) + content[begin : begin + PIECE])

    async def frames(self) -> AsyncGenerator[tuple[Kind, bytes], None]:
        """What comes; the last one is END, also where the connection is lost."""
        try:
            async for message in self._connection:
                if isinstance(message, bytes) and message:
                    yield Kind(message[0]), message[1:]
        except ConnectionClosed:
            pass
        lost = TunnelEnd(outcome=Outcome.LOST, text="the connection to the platform was lost")
        yield Kind.END, lost.model_dump_json().encode()


@contextlib.asynccontextmanager
async def tunnel(api: Api, environment: str, wish: dict[str, Any]) -> AsyncIterator[Tunnel]:
    """Ask for one. Raises CommandError."""
    base, headers = api.websocket
    try:
        connection = await connect(
            f"{base}/environments/{environment}/tunnel",
            additional_headers=headers,
            open_timeout=CONNECT_SECONDS,
            ping_interval=None,  # the platform asks; while this side is held back, no answer could be read
            max_size=MOST_OF_A_MESSAGE,
            compression=None,
            proxy=None,
        )
    except InvalidStatus as error:
        raise refusal_of(error.response.status_code, bytes(error.response.body or b"")) from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        said = f"seatrial opens no tunnel at {base}: {error}."
        raise PlatformAway(said, fix=f"Look: {typed('doctor')}", word=AWAY) from error
    async with connection:
        await connection.send(json.dumps(wish))
        yield Tunnel(connection)


def end_of(content: bytes) -> TunnelEnd:
    """What END says."""
    return TunnelEnd.model_validate_json(content)


def problem_of(end: TunnelEnd) -> CommandError:
    """Why a tunnel ended that was not over."""
    if end.outcome == Outcome.REFUSED:
        return CommandError(end.text, word="refused")
    known = end.outcome if isinstance(end.outcome, Outcome) else Outcome.LOST
    said = SENTENCES.get(known) or f"{end.text or 'it was cut off'}."
    return CommandError(f"the tunnel ended: {said}", word=f"tunnel_{end.outcome}")
