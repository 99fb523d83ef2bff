"""Reading an agent's bucket of desired state, the same way on both sides.

The client's own watcher marks the end of what was there with None, but does so too early while entries that the server
has sent are still on their way (nats-io/nats.py, issue 842). An empty answer that is not true would have an agent believe
that nothing is desired, so the end is found here by the keys that the bucket has.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from seatrial.wire import subjects

ENTRY_SECONDS = 5.0  # the longest pause between two entries of what was there
FORGOTTEN_AFTER_SECONDS = 5.0  # when the server forgets a watch that nobody listens to


async def entries(jetstream: JetStreamContext, agent: str) -> AsyncGenerator[KeyValue.Entry | None]:
    """The last entry of every key (deletions too), then None once, then every change for as long as it is read.

    Changes that are made meanwhile may come before the None. Raises BucketNotFoundError, TimeoutError (what was there does
    not arrive), and nats.errors.Error when the bus goes away. Close it (`contextlib.aclosing`) to end the watch.
    """
    bucket = await jetstream.key_value(subjects.desired_bucket(agent))
    missing = await _keys(jetstream, agent)
    watcher = await bucket.watchall(inactive_threshold=FORGOTTEN_AFTER_SECONDS)
    try:
        while missing:
            try:
                async with asyncio.timeout(ENTRY_SECONDS):
                    entry = await anext(watcher)
            except TimeoutError:
                there = await _keys(jetstream, agent)
                if missing <= there:
                    raise
                missing &= there  # the marks of deletions may be removed at any moment
                continue
            if entry is not None:
                missing.discard(entry.key)
                yield entry
        yield None
        async for entry in watcher:
            if entry is not None:
                yield entry
    finally:
        with contextlib.suppress(Exception):  # a watch of a lost connection: the server forgets it by itself
            await watcher.stop()  # type: ignore[no-untyped-call]


async def _keys(jetstream: JetStreamContext, agent: str) -> set[str]:
    """All keys of the bucket, with those that are deleted and still have a mark."""
    bucket = subjects.desired_bucket(agent)
    stream = await jetstream.stream_info(f"KV_{bucket}", subjects_filter=">")
    return {subject.removeprefix(f"$KV.{bucket}.") for subject in stream.state.subjects or {}}
