"""Everything that is deleted after a while, in one list. How long each is kept, and why: `control.keeping`."""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.utils import timezone

from seatrial.control.accounts import retention as accounts
from seatrial.control.fleet import retention as fleet
from seatrial.control.forges import retention as forges
from seatrial.control.forges.local import retention as local
from seatrial.control.outbox import retention as outbox
from seatrial.control.policies import retention as policies
from seatrial.control.previews import retention as previews
from seatrial.control.projects import retention as projects
from seatrial.control.worker.supervision import database_away

log = structlog.get_logger(__name__)

Prune = Callable[[datetime], int]


def evaluations(now: datetime) -> int:
    """Those that no living preview is about."""
    return policies.prune(now, in_use=previews.commits_in_use())


# What refers to others comes before them: the last previews and evaluations of a pull request, and then itself.
PRUNES: dict[str, Prune] = {
    "messages": outbox.prune,
    "deliveries": forges.prune,
    "previews": previews.prune,
    "evaluations": evaluations,
    "pull requests": projects.prune,
    "local pull requests": local.prune,
    "bootstrap tokens": fleet.prune,
    "sessions": accounts.prune,
}


def prune(now: datetime | None = None) -> None:
    """Delete what was kept long enough, of every app. One that fails is tried again the next time; the others go on.

    Idempotent; any number of workers may do it at once.
    """
    now = now or timezone.now()
    for what, delete in PRUNES.items():
        try:
            gone = delete(now)
        except Exception as error:
            if database_away(error):
                raise
            log.exception("not pruned", what=what)
            continue
        if gone:
            log.debug("pruned", what=what, rows=gone)
