"""All deletions of old rows, in one list. `control.keeping` says how long everything is kept, and why."""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.utils import timezone

from seatrial.control.accounts import retention as accounts
from seatrial.control.audit import retention as audit
from seatrial.control.entrance import retention as entrance
from seatrial.control.fleet import retention as fleet
from seatrial.control.forges import retention as forges
from seatrial.control.forges.registry import FORGES
from seatrial.control.outbox import retention as outbox
from seatrial.control.policies import retention as policies
from seatrial.control.policies.digests import retention as digests
from seatrial.control.policies.notices import retention as notices
from seatrial.control.policies.rescans import retention as rescans
from seatrial.control.policies.scores import retention as scores
from seatrial.control.policies.source import retention as policy_source
from seatrial.control.previews import retention as previews
from seatrial.control.previews.evidence import retention as evidence
from seatrial.control.projects import retention as projects
from seatrial.control.triggers import removals
from seatrial.control.variables import retention as variables
from seatrial.control.worker.supervision import database_away

log = structlog.get_logger(__name__)

Prune = Callable[[datetime], int]


def evaluations(now: datetime) -> int:
    """Delete old evaluations, except those of commits that living previews show."""
    return policies.prune(now, in_use=previews.commits_in_use())


# Rows that refer to others are deleted before them: a pull request after its last previews and evaluations.
PRUNES: dict[str, Prune] = {
    "messages": outbox.prune,
    "deliveries": forges.prune,
    "screenshots": evidence.prune,
    "previews": previews.prune,
    "gates and guests": entrance.prune,
    "former variables": variables.prune,
    "evaluations": evaluations,
    "waivers": policies.prune_waivers,
    "trials": policies.prune_trials,
    "scores": scores.prune,
    "notices": notices.prune,
    "digests": digests.prune,
    "re-scans": rescans.prune,
    "policy reviews": policy_source.prune,
    "pull requests": projects.prune,
    "removed projects": removals.prune,
    "bootstrap tokens": fleet.prune,
    "sessions": accounts.prune,
    "the audit log": audit.prune,
}


def prune(now: datetime | None = None) -> None:
    """Delete old rows of every app, and of every kind of forge. If one app fails, it is tried again the next time, and the others go on.

    Idempotent; any number of workers may do it at once.
    """
    now = now or timezone.now()
    own = {f"rows of {kind}": forge.prune for kind, forge in FORGES.items() if forge.prune is not None}
    for what, delete in {**PRUNES, **own}.items():
        try:
            gone = delete(now)
        except Exception as error:
            if database_away(error):
                raise
            log.exception("not pruned", what=what)
            continue
        if gone:
            log.debug("pruned", what=what, rows=gone)
