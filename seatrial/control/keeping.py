"""How long the control plane keeps what it writes, and why: every age is here, and the table in docs/operations.md is
checked against it. What deletes them is `retention` of each app; the worker calls all of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

BATCH = 500
MOST_BATCHES = 200  # of one call: a worker that stops waits for it, and the next call is a minute away


@dataclass(frozen=True)
class Age:
    """How long something is kept; `kept` None: GALLEY_KEEP_DAYS."""

    what: str
    kept: timedelta | None
    since: str
    why: str

    def horizon(self, now: datetime) -> datetime:
        """What is older than this goes."""
        kept = timedelta(days=settings.CONFIGURATION.galley_keep_days) if self.kept is None else self.kept
        return now - kept


HISTORY = Age(
    "evaluations with their results, ended previews with their deployments and phases, closed pull requests",
    None,
    "they were made, or ended",
    "a quarter of a year answers what people ask about the past",
)
DELIVERIES = Age(
    "deliveries of webhooks, and what forges said about a repository",
    timedelta(days=30),
    "they came",
    "a forge repeats one for days, never for weeks, and its repeat must be known",
)
PUBLISHED = Age(
    "messages of the outbox",
    timedelta(hours=1),
    "they were published",
    "the bus knows a repeat for ten minutes; the rest of the hour is for whoever looks why",
)
BOOTSTRAP_TOKENS = Age(
    "bootstrap tokens",
    timedelta(days=7),
    "they expired",
    "an agent that comes with one a little late is told so, not that it is unknown",
)
SESSIONS = Age(
    "sessions, and counts of failed sign-ins",
    timedelta(0),
    "they expire",
    "they mean nothing any more",
)
AGES = (HISTORY, DELIVERIES, PUBLISHED, BOOTSTRAP_TOKENS, SESSIONS)

FOR_EVER = {
    "the audit log": "who did what is asked years later; the database refuses to change or delete an entry",
    "policies and their versions": "they are what an entry of the audit log or a verdict was about, and few",
    "the newest evaluation of each branch and tag": "it is what is known of it; that of a closed pull request's branch goes with it",
    "labels of previews' hostnames, and whose they are": "an address that somebody has a link to never leads to another workspace",
    "people, workspaces, connections, projects, agents": "somebody made each by hand; a revoked agent's key must stay refused",
}


def delete(rows: QuerySet[Any], *, batch: int = BATCH) -> int:
    """Delete `rows` with what depends on them; returns how many of them went.

    A transaction per batch, so that nobody waits long for a lock. What somebody else has locked (another worker that
    prunes, a handler) is left to them, or to the next call, and so is what one call is too short for. Idempotent.
    """
    gone = 0
    for _ in range(MOST_BATCHES):
        with transaction.atomic():
            locked = rows.order_by().select_for_update(skip_locked=True, of=("self",))
            identities = list(locked.values_list("pk", flat=True)[:batch])
            rows.model._default_manager.filter(pk__in=identities).delete()
        gone += len(identities)
        if len(identities) < batch:
            break
    return gone


def unreferenced(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those that no row of any model refers to: for an app whose rows are known to apps above it."""
    for relation in rows.model._meta.related_objects:
        related: type[Model] = relation.related_model
        referring = related._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        rows = rows.filter(~Exists(referring))
    return rows
