"""One NATS connection that reconnects by itself and lets callers detect that it did."""

import asyncio
import ssl
from pathlib import Path

import structlog
from nats.js import JetStreamContext

from seatrial.dialling import Client, servers
from seatrial.wire import subjects
from seatrial.wire.ending import ended, heed, heeded

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 3.0  # a bus that is there lets somebody in, or refuses, at once
AGAIN_SECONDS = 1.0  # until what lost its cancellation in the bus's client is cancelled again


class Bus:
    """The agent's connection. `session` grows with every (re)connection: earlier watches are then stale.

    nats-py reconnects by itself; where it gives up (a refused credential closes the client), `run` makes a new
    client. A refused publish is reported asynchronously, in the log only, so permissions are tested, not handled.
    """

    def __init__(
        self, url: str, credentials: Path, agent: str, context: ssl.SSLContext | None = None
    ) -> None:
        self.agent = agent
        self._url = url
        self._context = context
        self._credentials = credentials
        self._client: Client | None = None
        self._session = 0
        self._changed = asyncio.Condition()
        self._closed = asyncio.Event()
        self._complained = ""
        self._refused = asyncio.Event()

    @property
    def session(self) -> int:
        """The number of the current connection; 0 before the first."""
        return self._session

    @property
    def connected(self) -> bool:
        """Whether the server can be reached now."""
        return self._client is not None and self._client.is_connected

    async def client(self) -> Client:
        """The connected client, waiting for one as long as it takes."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.connected)
        assert self._client is not None
        return self._client

    async def jetstream(self) -> JetStreamContext:
        """JetStream on the connected client, waiting for one as long as it takes."""
        return (await self.client()).jetstream(timeout=5)

    async def next_session(self, seen: int) -> int:
        """Wait for a newer connection than `seen`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._session != seen and self.connected)
        return self._session

    async def refuses(self) -> bool:
        """Whether the bus answers and does not let this agent in. Asked before `run`; one that is away has said nothing."""
        connecting = asyncio.create_task(self._try())
        refused = asyncio.create_task(self._refused.wait())
        try:
            await asyncio.wait(
                {connecting, refused}, timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            return self._refused.is_set()
        finally:
            await ended(connecting, refused, again_seconds=AGAIN_SECONDS)

    async def _try(self) -> None:
        """Connect once; every refusal is said to `_complain`."""
        try:
            with heeded():
                client = await self._connect()
        except Exception as error:
            self._complain(error)
        else:
            await client.close()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        wait = 0.5
        try:
            while True:
                self._closed.clear()
                try:
                    with heeded():
                        self._client = await self._connect()
                except Exception as error:
                    self._complain(error)
                else:
                    wait = 0.5
                    await self._announce()
                    await self._closed.wait()
                await asyncio.sleep(wait)
                wait = min(wait * 2, 10)
        finally:
            if self._client is not None and not self._client.is_closed:
                await self._client.close()

    async def _connect(self) -> Client:
        client = Client()
        try:
            await client.connect(
                servers(self._url),
                tls=self._context,
                name=f"galley-agent {self.agent}",
                user_credentials=str(self._credentials),
                inbox_prefix=subjects.inbox_prefix(self.agent),
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.5,  # type: ignore[arg-type]  # seconds; fractions work too
                connect_timeout=3,
                ping_interval=10,
                max_outstanding_pings=2,
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._announce,
                closed_cb=self._on_closed,
            )
        except BaseException:
            await client.close()  # the client leaves its socket open if it is refused or cancelled
            raise
        return client

    async def _announce(self) -> None:
        async with self._changed:
            self._session += 1
            self._changed.notify_all()
        self._complained = ""
        log.info("bus connected", url=self._url, session=self._session)

    async def _on_error(self, error: Exception) -> None:
        heed()  # called between attempts to connect, which never end by themselves
        self._complain(error)

    async def _on_disconnected(self) -> None:
        log.warning("bus away; previews keep running, reports are kept until it is back", url=self._url)

    async def _on_closed(self) -> None:
        self._closed.set()

    def _complain(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        # nats-server's word: while connecting, the client passes it on as a text only
        refused = "authorization" in text.lower()
        if refused:
            self._refused.set()
        if text == self._complained:
            return
        self._complained = text
        if refused:
            text += (
                ". The bus refuses this agent: it was revoked, or this is not the bus that it registered with. "
                "Make a new token (POST /api/v1/agents) and start the agent with it as GALLEY_AGENT_TOKEN"
            )
        log.warning("bus", problem=text, url=self._url)
