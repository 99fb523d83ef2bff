"""The lanes of the outbox beside the bus: what waits for a forge or for others. Nothing on the bus waits for them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.utils import timezone

from seatrial.control.errors import ControlError
from seatrial.control.forges.errors import ForgeError
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.errors import NotYet
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.worker.database import Database
from seatrial.control.worker.relay import SWEEP_SECONDS, not_sent
from seatrial.control.worker.supervision import database_away
from seatrial.control.worker.wakeups import Wakeups

log = structlog.get_logger(__name__)

Body = dict[str, str]


def nobody(body: Body, reason: str) -> None:
    """For an errand that nobody waits for."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a lane does for each row of its instruction. Functions get the row's body, and the reason of a failure.

    `act` may take its time, and may be called again for what it did: it is idempotent. No transaction is open
    meanwhile. After a failure `waits` is called and the row is tried again later, until the failure is `permanent` or
    the row is older than `kept`: then `given_up` is called, and it is over. Without `kept` it is tried for ever.
    """

    instruction: Instruction
    act: Callable[[Body], None]
    kept: timedelta | None = None
    waits: Callable[[Body, str], None] = nobody
    given_up: Callable[[Body, str], None] = nobody


class Aside:
    """One lane. Several may run the same errand: a slow target holds up its own lane and no other."""

    def __init__(self, database: Database, wakeups: Wakeups, errand: Errand) -> None:
        self._database = database
        self._wakeups = wakeups
        self._errand = errand

    async def run(self) -> None:
        """For ever: everything that is due, then sleep until notified."""
        woken = self._wakeups.waiter(outbox.channel(self._errand.instruction))
        while True:
            while await self._database.run(self.one):
                pass
            await woken.wait(SWEEP_SECONDS)

    def one(self) -> bool:
        """Send to the one target that waits longest; True when there was one."""
        return outbox.relay_aside(self._errand.instruction, self._send)

    def _send(self, row: OutboxMessage) -> None:
        try:
            self._errand.act(row.body)
        except Exception as error:
            if database_away(error):
                raise
            if self._over(row, error):
                log.error(
                    f"{self._errand.instruction} given up",
                    **row.body,
                    error=f"{type(error).__name__}: {error}",
                )
                self._errand.given_up(row.body, said(error))
                return
            not_sent(row, error)
            self._errand.waits(row.body, said(error))
            if isinstance(error, ForgeError) and error.retry_after_seconds:
                raise NotYet(error.retry_after_seconds) from error
            raise

    def _over(self, row: OutboxMessage, error: Exception) -> bool:
        if self._errand.kept is None:
            return False
        refused = isinstance(error, ForgeError) and error.permanent
        return refused or timezone.now() - row.created_at > self._errand.kept


def said(error: Exception) -> str:
    """What went wrong, for people: ours in its own words, anybody else's with its kind."""
    return str(error) if isinstance(error, ControlError) else f"{type(error).__name__}: {error}"
