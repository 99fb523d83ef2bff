"""Applies agents' reports from the OBSERVED stream to the database. Each is acknowledged once it is committed."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from seatrial.control.bus import Bus
from seatrial.control.log_lines import about
from seatrial.control.policies import services as policies
from seatrial.control.policies.trials import results as trials
from seatrial.control.previews import services as previews
from seatrial.control.previews import snapshots
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away
from seatrial.wire import deployments, evaluations, subjects
from seatrial.wire import snapshots as snapshot_messages
from seatrial.wire import trials as trial_messages
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope, Message
from seatrial.wire.errors import UnknownKind, UnsupportedVersion, WireError

log = structlog.get_logger(__name__)

BATCH = 20  # well within the ack wait, even when the database is slow
FETCH_SECONDS = 5.0
# A report that fails is tried again for so long, and only then dropped. Deliveries are no measure: a database that is away,
# or a worker that is killed, uses up any number of them without anything being wrong with the report.
KEPT_SECONDS = 600.0
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
Handler = Callable[[str, Any], None]

HANDLERS: dict[type[Message], Handler] = {
    deployments.DeploymentPhase: previews.phase,
    deployments.RecipeRead: previews.recipe_read,
    deployments.DeploymentReady: previews.ready,
    deployments.DeploymentFailed: previews.failed,
    deployments.EnvironmentObserved: previews.observed,
    deployments.EnvironmentRemoved: previews.removed,
    snapshot_messages.SnapshotSaved: snapshots.saved,
    evaluations.EvaluationStarted: policies.started,
    evaluations.EvaluationFinished: policies.finished,
    trial_messages.TrialStarted: trials.started,
    trial_messages.TrialFinished: trials.finished,
}


class Observed:
    """The durable consumer. Handlers are idempotent, because reports that a crash left unacknowledged come again."""

    def __init__(self, database: Database, bus: Bus, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._failing: dict[int, tuple[float, int]] = {}  # by number: since when here, and how often

    async def run(self) -> None:
        """Runs for ever. Raises when the bus is away; then start it again."""
        subscription = await self._bus.jetstream.pull_subscribe_bind(
            subjects.OBSERVED_CONSUMER, stream=subjects.OBSERVED_STREAM
        )
        try:
            while True:
                await self._batch(subscription)
        finally:
            await subscription.unsubscribe()

    async def _batch(self, subscription: JetStreamContext.PullSubscription) -> None:
        try:
            with heeded():
                messages = await subscription.fetch(BATCH, timeout=FETCH_SECONDS)
        except TimeoutError:
            return
        for message in messages:
            await self._one(message)

    async def _one(self, message: Msg) -> None:
        try:
            await self._database.run(handle, message.subject, message.data)
        except WireError as error:
            log.warning("report skipped", subject=message.subject, error=str(error))
            await (message.ack() if isinstance(error, UnknownKind | UnsupportedVersion) else message.term())
        except Exception as error:
            if database_away(error):
                raise
            await self._failed(message)
        else:
            self._failing.pop(message.metadata.sequence.stream, None)
            await message.ack()

    async def _failed(self, message: Msg) -> None:
        number, moment = message.metadata.sequence.stream, self._clock()
        since, times = self._failing.get(number, (moment, 0))
        dropped = moment - since > KEPT_SECONDS
        log.exception("report failed", subject=message.subject, attempts=times + 1, dropped=dropped)
        if dropped:
            del self._failing[number]
            await message.term()
        else:
            self._failing[number] = (since, times + 1)
            await message.nak(delay=min(RETRY_SECONDS * (times + 1), LONGEST_RETRY_SECONDS))


def handle(subject: str, data: bytes) -> None:
    """Apply one report. Raises WireError when it cannot be understood; kinds without a handler are ignored."""
    envelope = Envelope.decode(data)
    message = envelope.model_copy(update={"payload": storable(envelope.payload)}).open()
    handler = HANDLERS.get(type(message))
    if handler is not None:
        with about(envelope.payload):
            handler(subjects.agent_of(subject), message)


def storable(value: Any) -> Any:
    """`value` without NUL characters, which programs print and PostgreSQL refuses."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value
