"""The control plane's connection to the bus: streams, consumers, buckets, and logs read back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, NoKeysError, NotFoundError
from nats.js.kv import KeyValue

from seatrial.control.configuration import Configuration
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.logs import LogChunk

log = structlog.get_logger(__name__)

DAY_SECONDS = 86_400.0
LOGS_MAX_AGE_SECONDS = 7 * DAY_SECONDS
JOBS_MAX_AGE_SECONDS = 3_600.0  # the control plane gives an evaluation up long before
DUPLICATE_WINDOW_SECONDS = 600.0
EVALUATION_ACK_WAIT_SECONDS = 60.0
EVALUATION_MAX_DELIVER = 5
OBSERVED_ACK_WAIT_SECONDS = 10.0  # what a killed worker had taken comes back after this
PUBLISH_TIMEOUT_SECONDS = 5.0


@dataclass
class Bus:
    """One connection. It reconnects for ever by itself; `reconnects` counts how often it had to."""

    client: Client
    jetstream: JetStreamContext
    logs_max_bytes: int = 512_000_000
    reconnects: int = field(default=0)
    closing: bool = field(default=False)

    @classmethod
    async def connect(cls, configuration: Configuration, *, name: str, wait: bool = True) -> Self:
        """Connect as the control plane. With `wait`, keep trying until the bus answers; else raise at once."""
        client = Client()
        bus = cls(
            client,
            client.jetstream(timeout=PUBLISH_TIMEOUT_SECONDS),
            configuration.galley_logs_max_mb * 1_000_000,
        )

        async def on_error(error: Exception) -> None:
            log.warning("bus error", error=str(error) or type(error).__name__)

        async def on_disconnect() -> None:
            if not bus.closing:
                log.warning("the bus is away", url=configuration.galley_nats_url)

        async def on_reconnect() -> None:
            bus.reconnects += 1
            log.info("the bus is back", url=configuration.galley_nats_url)

        options: dict[str, Any] = {}
        if configuration.galley_nats_credentials:
            options["user_credentials"] = str(configuration.galley_nats_credentials)
        await client.connect(
            configuration.galley_nats_url,
            name=name,
            allow_reconnect=wait,
            max_reconnect_attempts=-1 if wait else 1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds, and nothing asks for whole ones
            connect_timeout=2,
            error_cb=on_error,
            disconnected_cb=on_disconnect,
            reconnected_cb=on_reconnect,
            **options,
        )
        return bus

    async def close(self) -> None:
        """Flush what was published and leave."""
        self.closing = True
        if self.client.is_connected:
            await self.client.flush(2)
        await self.client.close()

    async def ensure_streams(self) -> None:
        """Make or update every stream and durable consumer. Idempotent; safe from several processes at once."""
        for config in self._streams():
            await self._ensure_stream(config)
        await self.jetstream.add_consumer(
            subjects.OBSERVED_STREAM,
            api.ConsumerConfig(
                durable_name=subjects.OBSERVED_CONSUMER,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=OBSERVED_ACK_WAIT_SECONDS,
                max_ack_pending=1_000,
            ),
        )
        await self.jetstream.add_consumer(
            subjects.JOBS_STREAM,
            api.ConsumerConfig(
                durable_name=subjects.EVALUATIONS_CONSUMER,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=EVALUATION_ACK_WAIT_SECONDS,
                max_deliver=EVALUATION_MAX_DELIVER,
                filter_subject=subjects.evaluation_jobs(">"),
            ),
        )

    def _streams(self) -> list[api.StreamConfig]:
        return [
            # A work queue: what is acknowledged is gone, so its length is how far the worker is behind.
            api.StreamConfig(
                name=subjects.OBSERVED_STREAM,
                subjects=[subjects.OBSERVED_SUBJECTS],
                retention=api.RetentionPolicy.WORK_QUEUE,
                max_age=LOGS_MAX_AGE_SECONDS,
                duplicate_window=DUPLICATE_WINDOW_SECONDS,
            ),
            api.StreamConfig(
                name=subjects.LOGS_STREAM,
                subjects=[subjects.LOGS_SUBJECTS],
                max_age=LOGS_MAX_AGE_SECONDS,
                max_bytes=self.logs_max_bytes,
                discard=api.DiscardPolicy.OLD,
                duplicate_window=120,
            ),
            api.StreamConfig(
                name=subjects.JOBS_STREAM,
                subjects=[subjects.JOBS_SUBJECTS],
                retention=api.RetentionPolicy.WORK_QUEUE,
                max_age=JOBS_MAX_AGE_SECONDS,
                duplicate_window=DUPLICATE_WINDOW_SECONDS,
            ),
        ]

    async def _ensure_stream(self, config: api.StreamConfig) -> None:
        try:
            await self.jetstream.stream_info(str(config.name))
        except NotFoundError:
            await self.jetstream.add_stream(config)
        else:
            await self.jetstream.update_stream(config)

    async def publish(self, subject: str, envelope: Envelope) -> None:
        """Publish and wait until the stream has it. Repeating the same envelope is harmless."""
        await self.jetstream.publish(
            subject,
            envelope.encode(),
            timeout=PUBLISH_TIMEOUT_SECONDS,
            headers={api.Header.MSG_ID: envelope.id},
        )

    async def ensure_bucket(self, agent: str) -> KeyValue:
        """The bucket of desired environments of `agent`, made when missing."""
        bucket = subjects.desired_bucket(agent)
        try:
            return await self.jetstream.key_value(bucket)
        except BucketNotFoundError:
            return await self.jetstream.create_key_value(
                api.KeyValueConfig(bucket=bucket, history=1, storage=api.StorageType.FILE)
            )

    async def desired(self, agent: str) -> dict[str, Envelope | None]:
        """What the bucket of `agent` says now: environment id to envelope (None: unreadable)."""
        bucket = await self.ensure_bucket(agent)
        try:
            keys = await bucket.keys()
        except NoKeysError:
            return {}
        found: dict[str, Envelope | None] = {}
        for key in keys:
            try:
                found[key] = Envelope.decode((await bucket.get(key)).value or b"")
            except KeyNotFoundError:
                continue
            except WireError:
                found[key] = None
        return found

    async def desire(self, agent: str, environment: str, envelope: Envelope | None) -> None:
        """Put what `environment` must be, or delete it (None: it must not exist). Idempotent."""
        bucket = await self.ensure_bucket(agent)
        if envelope is None:
            await bucket.delete(environment)
        else:
            await bucket.put(environment, envelope.encode())

    async def tail_logs(
        self, filter_subject: str, *, since: datetime | None = None
    ) -> AsyncIterator[LogChunk]:
        """Every stored chunk that matches, oldest first, then new ones as they come; see the module function."""
        last = 0
        while True:
            reconnects = self.reconnects
            subscription = await self.jetstream.subscribe(
                filter_subject,
                stream=subjects.LOGS_STREAM,
                ordered_consumer=True,
                config=_replay_from(last, since),
            )
            try:
                # A reader from before a reconnect stays deaf for a while: start a new one after the last chunk.
                while reconnects == self.reconnects:
                    try:
                        message = await subscription.next_msg(timeout=1)
                    except TimeoutError:
                        continue
                    sequence = message.metadata.sequence.stream
                    if sequence > last:
                        last = sequence
                        if (chunk := _chunk(message)) is not None:
                            yield chunk
            finally:
                if self.client.is_connected:
                    await subscription.unsubscribe()


def _replay_from(last: int, since: datetime | None) -> api.ConsumerConfig:
    if last:
        return api.ConsumerConfig(deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=last + 1)
    if since:
        return api.ConsumerConfig(deliver_policy=api.DeliverPolicy.BY_START_TIME, opt_start_time=since)
    return api.ConsumerConfig(deliver_policy=api.DeliverPolicy.ALL)


def _chunk(message: Msg) -> LogChunk | None:
    try:
        opened = Envelope.decode(message.data).open()
    except WireError as error:
        log.warning("unreadable log chunk skipped", subject=message.subject, error=str(error))
        return None
    return opened if isinstance(opened, LogChunk) else None


async def tail_logs(
    filter_subject: str, *, since: datetime | None = None, configuration: Configuration | None = None
) -> AsyncIterator[LogChunk]:
    """Log chunks matching `filter_subject` (see `wire.subjects.logs_of_*`): the stored ones, then live, for ever.

    Chunks of one subject come in order and none twice; a bus that is away is waited for. Opens a connection of
    its own and closes it when the iteration ends (`aclose()` or cancellation).
    """
    if configuration is None:
        from django.conf import settings

        configuration = settings.CONFIGURATION
    bus = await Bus.connect(configuration, name="seatrial logs")
    chunks = bus.tail_logs(filter_subject, since=since)
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await asyncio.shield(bus.close())


async def ensure_streams(configuration: Configuration) -> None:
    """Connect, make every stream, leave."""
    bus = await Bus.connect(configuration, name="seatrial set-up")
    try:
        await bus.ensure_streams()
    finally:
        await bus.close()


async def revoke(configuration: Configuration, system_credentials: str, account_token: str) -> None:
    """Hand the running server the account's new token; revoked users are cut off at once."""
    client = await nats.connect(
        configuration.galley_nats_url, user_credentials=system_credentials, connect_timeout=2
    )
    try:
        await client.request("$SYS.REQ.CLAIMS.UPDATE", account_token.encode(), timeout=5)
    finally:
        await client.close()
