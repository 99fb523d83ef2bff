"""The streams and durable consumers of the bus, and how many nodes keep a copy of each."""

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from seatrial.dialling import Client
from seatrial.wire import subjects

log = structlog.get_logger(__name__)
T = TypeVar("T")

DAY_SECONDS = 86_400.0
LOGS_MAX_AGE_SECONDS = 7 * DAY_SECONDS
JOBS_MAX_AGE_SECONDS = DAY_SECONDS  # after this the control plane gives up an evaluation that still waits
DUPLICATE_WINDOW_SECONDS = 600.0
EVALUATION_ACK_WAIT_SECONDS = 60.0
EVALUATION_MAX_DELIVER = 5
OBSERVED_ACK_WAIT_SECONDS = 10.0  # messages that a killed worker had taken are delivered again after this
LIST_SECONDS = 5.0  # the server waits for the nodes of a stream for one less
COPIES = (5, 3, 1)  # an even number survives no more than the odd one below it
OURS = (subjects.OBSERVED_STREAM, subjects.LOGS_STREAM, subjects.JOBS_STREAM)
BUCKETS = f"KV_{subjects.desired_bucket('')}"  # what the names of the agents' buckets begin with
# The server's codes for: no nodes to place copies on, and one node that belongs to no cluster.
TOO_FEW_NODES = {10005, 10074}


async def ensure(jetstream: JetStreamContext, *, logs_max_bytes: int, copies: int) -> None:
    """Make or update every stream and durable consumer. Idempotent; safe from several processes at once.

    A stream that is there keeps its number of copies, which `settle` changes: work goes on while a node is away.
    """
    for config in _streams(logs_max_bytes):
        await _ensure(jetstream, config, copies)
    for stream, consumer in _consumers().items():
        await jetstream.add_consumer(stream, consumer)


async def made(make: Callable[[int], Awaitable[T]], copies: int) -> T:
    """What `make` gives for `copies`, or for as many as there are nodes now; `settle` makes up for it later."""
    for number in (one for one in COPIES if 1 < one <= copies):
        try:
            return await make(number)
        except APIError as error:
            if error.err_code not in TOO_FEW_NODES:
                raise
    return await make(1)


async def settle(jetstream: JetStreamContext, infos: list[api.StreamInfo], copies: int) -> None:
    """Give each of these streams `copies`, also those that were made with another number. Idempotent.

    Where there are too few nodes for it now, the stream stays as it is.
    """
    for info in infos:
        if info.config.num_replicas == copies:
            continue
        try:
            await jetstream.update_stream(dataclasses.replace(info.config, num_replicas=copies))
        except APIError as error:
            if error.err_code not in TOO_FEW_NODES:
                raise
        else:
            log.info("copies of a stream changed", stream=info.config.name, copies=copies)


@dataclasses.dataclass(frozen=True)
class Listed:
    """Streams on the bus."""

    infos: list[api.StreamInfo]
    silent: list[str]  # names of further ones, whose nodes did not tell of them in time


async def every(client: Client) -> Listed:
    """All that are ours, the agents' buckets too: the account may have others. Raises APIError, nats.errors.Error or TimeoutError if the bus has no list.

    nats-py drops the names of those that the server's answer calls missing, so the request is made here
    (https://docs.nats.io/reference/reference-protocols/nats_api_reference).
    """
    infos: list[api.StreamInfo] = []
    silent: list[str] = []
    while page := await _page(client, len(infos) + len(silent)):
        infos += page.infos
        silent += page.silent
    return Listed(
        [info for info in infos if _is_ours(str(info.config.name))],
        [name for name in silent if _is_ours(name)],
    )


async def _page(client: Client, offset: int) -> Listed | None:
    asked = json.dumps({"offset": offset}).encode()
    answer = await client.request("$JS.API.STREAM.LIST", asked, timeout=LIST_SECONDS)
    page = json.loads(answer.data)
    if "error" in page:
        raise APIError.from_error(page["error"])
    infos, silent = page["streams"] or [], page.get("missing") or []
    return Listed([api.StreamInfo.from_response(one) for one in infos], silent) if infos or silent else None


def _is_ours(name: str) -> bool:
    return name.startswith((BUCKETS, *OURS))


async def _ensure(jetstream: JetStreamContext, config: api.StreamConfig, copies: int) -> None:
    try:
        info = await jetstream.stream_info(str(config.name))
    except NotFoundError:
        await made(
            lambda number: jetstream.add_stream(dataclasses.replace(config, num_replicas=number)), copies
        )
    else:
        await jetstream.update_stream(dataclasses.replace(config, num_replicas=info.config.num_replicas))


def _streams(logs_max_bytes: int) -> list[api.StreamConfig]:
    return [
        # A work queue: acknowledged messages are removed, so its length shows how far the worker is behind.
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
            max_bytes=logs_max_bytes,
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


def _consumers() -> dict[str, api.ConsumerConfig]:
    """By stream."""
    return {
        subjects.OBSERVED_STREAM: api.ConsumerConfig(
            durable_name=subjects.OBSERVED_CONSUMER,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=OBSERVED_ACK_WAIT_SECONDS,
            max_ack_pending=1_000,
        ),
        subjects.JOBS_STREAM: api.ConsumerConfig(
            durable_name=subjects.EVALUATIONS_CONSUMER,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=EVALUATION_ACK_WAIT_SECONDS,
            max_deliver=EVALUATION_MAX_DELIVER,
            filter_subject=subjects.evaluation_jobs(">"),
        ),
    }
