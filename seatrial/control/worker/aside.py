"""The lanes of the outbox: work that may wait long for forges or other systems. They never hold up the bus."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.utils import timezone

from seatrial.control.errors import ControlError
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.urgency import Urgency, asking
from seatrial.control.log_lines import about
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.errors import NotYet
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.worker.database import Database
from seatrial.control.worker.relay import not_sent
from seatrial.control.worker.supervision import database_away
from seatrial.control.worker.wakeups import Wakeups

log = structlog.get_logger(__name__)

Body = dict[str, str]


def no_reaction(body: Body, reason: str) -> None:
    """Do nothing: for errands whose failures need no reaction."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a lane does for each row of its instruction. The functions get the row's body, and the reason of a failure.

    `act` may take long, and may be called again for the same row, so it must be idempotent. No transaction is open
    meanwhile. After a failure, `waits` is called and the row is tried again later. When the failure is `permanent` or
    the row is older than `kept`, `given_up` is called instead, and the row is not tried again. Without `kept` it is
    tried for ever. Requests to forges in it are as urgent as `urgency`.

    With `tries`, people wait for it: the row is tried so often and no more, whatever the failures are, and as soon as
    always, also when the forge asks for more time. That counts tries and not time, so what waited while this server was
    down is tried like everything else.
    """

    instruction: Instruction
    act: Callable[[Body], None]
    urgency: Urgency = Urgency.REPORT
    kept: timedelta | None = None
    tries: int | None = None
    waits: Callable[[Body, str], None] = no_reaction
    given_up: Callable[[Body, str], None] = no_reaction


class Aside:
    """One lane. Several may run the same errand: a slow target holds up its own lane and no other."""

    def __init__(self, database: Database, wakeups: Wakeups, errand: Errand) -> None:
        self._database = database
        self._wakeups = wakeups
        self._errand = errand

    async def run(self) -> None:
        """Runs for ever: does everything that is due, then sleeps until a notification or `Due` wakes it."""
        woken = self._wakeups.waiter(outbox.channel(self._errand.instruction))
        while True:
            while await self._database.run(self.one):
                pass
            await woken.wait()

    def one(self) -> bool:
        """Do the work for the target that has waited longest; True when there was one."""
        return outbox.relay_aside(self._errand.instruction, self._send)

    def _send(self, row: OutboxMessage) -> None:
        try:
            with asking(self._errand.urgency), about(row.body):
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
                self._errand.given_up(row.body, reason_of(error))
                return
            not_sent(row, error)
            self._errand.waits(row.body, reason_of(error))
            if isinstance(error, ForgeError) and error.retry_after_seconds and self._errand.tries is None:
                raise NotYet(error.retry_after_seconds) from error
            raise

    def _over(self, row: OutboxMessage, error: Exception) -> bool:
        if self._errand.tries is not None:
            return row.attempts + 1 >= self._errand.tries
        if self._errand.kept is None:
            return False
        refused = isinstance(error, ForgeError) and error.permanent
        return refused or timezone.now() - row.created_at > self._errand.kept


def reason_of(error: Exception) -> str:
    """The reason of a failure, for people: the message of our own errors, type and message of all others."""
    return str(error) if isinstance(error, ControlError) else f"{type(error).__name__}: {error}"
