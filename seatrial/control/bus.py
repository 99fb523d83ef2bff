"""The control plane's connection to the bus: streams, consumers, buckets. Logs are read back by `log_tails`."""

import contextlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import nats.errors
import structlog
from nats.errors import StaleConnectionError
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, BucketNotFoundError, KeyNotFoundError
from nats.js.kv import KV_DEL, KV_OP, KeyValue

from seatrial.control import streams
from seatrial.control.authorities import trusting
from seatrial.control.configuration import Configuration
from seatrial.control.errors import ControlError
from seatrial.dialling import Client, servers
from seatrial.replay import entries
from seatrial.wire import subjects
from seatrial.wire.ending import heed, heeded
from seatrial.wire.envelope import Envelope, now
from seatrial.wire.errors import WireError

log = structlog.get_logger(__name__)

PUBLISH_TIMEOUT_SECONDS = 5.0
ANSWER_TIMEOUT_SECONDS = 2.0
# After two or three of these without a sign of life, a connection is given up and made anew.
PING_SECONDS = 10
PINGS_MISSED = 2
OVERTAKEN = {10071, 10164}  # the server's codes for: the subject has a later entry than expected


class BusRefused(ControlError):
    """The bus answered, but refused the request."""

    code = "bus_refused"
    status = 503


@dataclass(frozen=True)
class Marker:
    """What a deleted key leaves in its bucket. Every new watcher is sent it again, until `Bus.forget` removes it."""

    revision: int
    at: datetime


@dataclass(frozen=True)
class Bucket:
    """What one agent's bucket holds, by environment id. An envelope that cannot be read is None."""

    desired: dict[str, Envelope | None] = field(default_factory=dict)
    # For each key that is desired, the sequence number of its entry in the stream.
    sequences: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, Marker] = field(default_factory=dict)

    def add(self, entry: KeyValue.Entry) -> None:
        """Take over one key."""
        if entry.operation is not None:
            at = entry.created if isinstance(entry.created, datetime) else now()
            self.deleted[entry.key] = Marker(entry.revision or 0, at)
            return
        self.sequences[entry.key] = entry.revision or 0
        try:
            self.desired[entry.key] = Envelope.decode(entry.value or b"")
        except WireError:
            self.desired[entry.key] = None


@dataclass
class Bus:
    """One connection. It reconnects by itself, for as long as it takes; `reconnects` counts how often it did.

    An outage is two lines in the log, however long it lasts: one when the connection is lost, and one when it is back.
    A task that waits for an answer, or for the connection, may be cancelled at any moment; one cancellation is enough.
    """

    client: Client
    jetstream: JetStreamContext
    logs_max_bytes: int = 512_000_000
    copies: int = 1
    reconnects: int = field(default=0)
    away: bool = field(default=False)
    closing: bool = field(default=False)

    @classmethod
    async def connect(cls, configuration: Configuration, *, name: str, wait: bool = True) -> Self:
        """Connect as the control plane. With `wait`, keep trying until the bus answers; else raise at once."""
        client, url = Client(), configuration.galley_nats_url
        bus = cls(
            client,
            client.jetstream(timeout=PUBLISH_TIMEOUT_SECONDS),
            configuration.galley_logs_max_mb * 1_000_000,
            configuration.galley_nats_replicas,
        )

        async def on_error(error: Exception) -> None:
            heed()  # called between attempts to connect, which never end by themselves
            problem = str(error) or type(error).__name__
            # These are reported before the client notices that it is disconnected.
            lost = isinstance(error, StaleConnectionError | OSError)
            if client.is_connected and not lost:
                log.warning("bus error", error=problem)
            else:
                bus._goes(url, problem)

        async def on_disconnect() -> None:
            bus._goes(url)

        async def on_reconnect() -> None:
            bus.reconnects += 1
            bus._comes_back(url)

        options: dict[str, Any] = {"tls": trusting(configuration.authorities)}
        if configuration.galley_nats_credentials:
            options["user_credentials"] = str(configuration.galley_nats_credentials)
        try:
            await client.connect(
                servers(url),
                name=name,
                allow_reconnect=wait,
                max_reconnect_attempts=-1 if wait else 1,
                reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds; fractions work too
                connect_timeout=2,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=PINGS_MISSED,
                error_cb=on_error,
                disconnected_cb=on_disconnect,
                reconnected_cb=on_reconnect,
                **options,
            )
        except BaseException:
            bus.closing = True
            await client.close()  # the client leaves its socket open if it is refused or cancelled
            raise
        bus._comes_back(url)
        return bus

    def _goes(self, url: str, why: str = "") -> None:
        if not self.away and not self.closing:
            self.away = True
            log.warning("the bus is away", url=url, **({"error": why} if why else {}))

    def _comes_back(self, url: str) -> None:
        if self.away:
            self.away = False
            log.info("the bus is back", url=url)

    async def close(self) -> None:
        """Flush published messages if the bus is there, and close the connection."""
        self.closing = True
        try:
            if self.client.is_connected:
                with heeded():
                    await self.client.flush(2)
        except (nats.errors.Error, OSError) as error:
            log.debug("not flushed", error=str(error) or type(error).__name__)
        finally:
            await self.client.close()

    async def answers(self) -> bool:
        """True when JetStream answers now; a failure just before had another cause then.

        This must not use the client's `flush`: if its answer comes after the timeout, the client stops reading for good
        and still reports that it is connected. (`close` may: the client ends there.)
        """
        try:
            with heeded():
                await self.client.request("$JS.API.INFO", timeout=ANSWER_TIMEOUT_SECONDS)
        except (nats.errors.Error, OSError, TimeoutError):
            return False
        return self.client.is_connected

    async def ensure_streams(self) -> None:
        """Make or update every stream and durable consumer. Idempotent; safe from several processes at once."""
        with heeded():
            await streams.ensure(self.jetstream, logs_max_bytes=self.logs_max_bytes, copies=self.copies)

    async def publish(self, subject: str, envelope: Envelope) -> None:
        """Publish and wait until the stream has it. Repeating the same envelope is harmless."""
        with heeded():
            await self.jetstream.publish(
                subject,
                envelope.encode(),
                timeout=PUBLISH_TIMEOUT_SECONDS,
                headers={api.Header.MSG_ID: envelope.id},
            )

    async def ensure_bucket(self, agent: str) -> KeyValue:
        """The bucket of desired environments of `agent`, made when missing."""
        bucket = subjects.desired_bucket(agent)
        with heeded():
            try:
                return await self.jetstream.key_value(bucket)
            except BucketNotFoundError:
                config = api.KeyValueConfig(bucket=bucket, history=1, storage=api.StorageType.FILE)
                return await streams.made(
                    lambda number: self.jetstream.create_key_value(config, replicas=number), self.copies
                )

    async def desired(self, agent: str) -> Bucket:
        """Read the whole bucket of `agent`. Raises nats.errors.Error or TimeoutError when the bus goes away meanwhile."""
        await self.ensure_bucket(agent)
        content = Bucket()
        with heeded():
            async with contextlib.aclosing(entries(self.jetstream, agent)) as there:
                async for entry in there:
                    if entry is None:
                        break
                    content.add(entry)
        return content

    async def forget(self, agent: str, environment: str, marker: Marker) -> None:
        """Remove the mark that a deletion left, and nothing that came later."""
        bucket = subjects.desired_bucket(agent)
        with heeded():
            await self.jetstream.purge_stream(
                f"KV_{bucket}", subject=f"$KV.{bucket}.{environment}", seq=marker.revision + 1
            )

    async def desire(
        self, agent: str, environment: str, envelope: Envelope | None, *, revision: int | None = None
    ) -> None:
        """Put the desired state of `environment`, or delete its key (None: it must not exist). Idempotent.

        Deleting leaves a marker.

        With a `revision` (of the placement), nothing is written when the bucket holds a later one, which another worker
        put meanwhile. If somebody writes between our reading and our writing, our writing fails, and we read and
        compare again.
        """
        bucket = await self.ensure_bucket(agent)
        data = None if envelope is None else envelope.encode()
        while True:
            sequence, known = await _last(bucket, environment)
            if revision is not None and known > revision:
                return
            if await self._write(agent, environment, data, after=sequence):
                return

    async def withdraw(self, agent: str, environment: str, sequence: int) -> bool:
        """Delete the key of `environment`; False, and nothing is deleted, if it has an entry later than `sequence`."""
        return await self._write(agent, environment, None, after=sequence)

    async def _write(self, agent: str, environment: str, data: bytes | None, *, after: int) -> bool:
        """Put `data`, or delete (None), if the key's last entry is at `after` (0: it has none); else return False."""
        headers: dict[str, Any] = {api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE: str(after)}
        if data is None:
            headers[KV_OP] = KV_DEL
        subject = f"$KV.{subjects.desired_bucket(agent)}.{environment}"
        try:
            with heeded():
                await self.jetstream.publish(
                    subject, data or b"", timeout=PUBLISH_TIMEOUT_SECONDS, headers=headers
                )
        except APIError as error:
            if error.err_code in OVERTAKEN:
                return False
            raise
        return True


async def _last(bucket: KeyValue, key: str) -> tuple[int, int]:
    """The sequence number of the key's last entry, and the revision in that entry; zeros when there is none."""
    try:
        with heeded():
            entry = await bucket.get(key)
    except KeyNotFoundError as error:
        # The last entry of a deleted key is its marker.
        return (error.entry.revision or 0 if error.entry else 0), 0
    try:
        revision = Envelope.decode(entry.value or b"").payload.get("revision", 0)
    except WireError:
        revision = 0
    return entry.revision or 0, revision if isinstance(revision, int) else 0


async def ensure_streams(configuration: Configuration) -> None:
    """Connect, make every stream, disconnect."""
    bus = await Bus.connect(configuration, name="seatrial set-up")
    try:
        await bus.ensure_streams()
    finally:
        await bus.close()


async def revoke(configuration: Configuration, system_credentials: str, account_token: str) -> None:
    """Hand the running server the account's new token; revoked users are cut off at once.

    Raises nats.errors.Error when the server does not answer, and BusRefused when it does not take the token.
    """
    client = Client()
    try:
        await client.connect(
            servers(configuration.galley_nats_url),
            user_credentials=system_credentials,
            tls=trusting(configuration.authorities),
            connect_timeout=5,
            allow_reconnect=False,
            # Holds for the first connection too, which would otherwise be tried for two minutes
            max_reconnect_attempts=1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds; fractions work too
        )
        answer = await client.request("$SYS.REQ.CLAIMS.UPDATE", account_token.encode(), timeout=5)
    finally:
        await client.close()  # also after a failed connect, which leaves its socket open
    if refusal := json.loads(answer.data).get("error"):
        raise BusRefused(f"the bus does not accept the account's new token: {refusal}")
