"""How long the control plane keeps what it writes, and why.

Every age is here; a test compares the table in docs/operations.md with it. The module `retention` of each app deletes
what is too old; the worker calls all of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

BATCH = 500
# Per call: a worker that stops waits for the call to end, and the next one is only a minute away
MOST_BATCHES = 200


@dataclass(frozen=True)
class Age:
    """How long something is kept; `kept` None: GALLEY_KEEP_DAYS."""

    what: str
    kept: timedelta | None
    since: str
    why: str

    def horizon(self, now: datetime) -> datetime:
        """The time before which everything is deleted."""
        kept = timedelta(days=settings.CONFIGURATION.galley_keep_days) if self.kept is None else self.kept
        return now - kept


HISTORY = Age(
    "evaluations with their results, reviews of proposed policies, ended waivers, ended previews with their deployments and phases, removed snapshots, closed pull requests, gates that no deployment has any more",
    None,
    "they were made, or ended",
    "a quarter of a year answers what people ask about the past",
)
DELIVERIES = Age(
    "deliveries of webhooks, changes that came without one, commands in comments, and what forges said about a repository and were told last",
    timedelta(days=30),
    "they came",
    "a forge may repeat one for days, but not for weeks, and a repeat must be recognised",
)
PUBLISHED = Age(
    "messages of the outbox",
    timedelta(hours=1),
    "they were published",
    "the bus recognises a repeat for ten minutes; the rest of the hour is for finding out what happened",
)
TRIALS = Age(
    "trials of policies, replays and re-scans",
    timedelta(days=30),
    "they ended",
    "whoever changes a policy looks at them within days; the newest replay of a version stays",
)
GUEST_LINKS = Age(
    "guest links",
    timedelta(days=7),
    "they expired",
    "they let nobody in any more; the audit log tells who was invited",
)
BOOTSTRAP_TOKENS = Age(
    "bootstrap tokens",
    timedelta(days=7),
    "they expired",
    "an agent that uses one a little late is told that it expired, rather than that it is unknown",
)
INVITATIONS = Age(
    "invitations that nobody has accepted",
    timedelta(days=7),
    "they expired",
    "inviting somebody again within that time gives them another week under the same row",
)
API_TOKENS = Age(
    "API tokens",
    timedelta(days=30),
    "they expired",
    "whoever wonders why a program is refused sees that its token has expired",
)
AUTHORIZATIONS = Age(
    "requests to authorize Seatrial at a code host",
    timedelta(days=1),
    "they expired",
    "whoever asked for one in a terminal can see what became of it",
)
SESSIONS = Age(
    "sessions, and counts of failed sign-ins",
    timedelta(0),
    "they expire",
    "they have no effect any more",
)
NOTICES = Age(
    "notices to other addresses",
    timedelta(days=30),
    "they came",
    "whoever missed some finds out within days, and sends them again",
)
SCREENSHOTS = Age(
    "pictures of screenshots",
    timedelta(days=30),
    "they were taken",
    "whoever reviews looks at them within days; the last ten of each service of a preview, and only while it exists, but for what was merged",
)
SCORES = Age(
    "scores of projects, one for each day",
    timedelta(days=366),
    "the day",
    "a year of them shows a trend, and each is one small row",
)
DIGESTS = Age(
    "weekly digests",
    timedelta(days=366),
    "they were made",
    "whoever looks back at a year finds all of its weeks",
)
AGES = (
    HISTORY,
    SCREENSHOTS,
    SCORES,
    NOTICES,
    DIGESTS,
    DELIVERIES,
    PUBLISHED,
    TRIALS,
    BOOTSTRAP_TOKENS,
    INVITATIONS,
    API_TOKENS,
    AUTHORIZATIONS,
    SESSIONS,
)

FOR_EVER = {
    "the audit log": "unless `GALLEY_AUDIT_KEEP_DAYS` says otherwise: people may ask years later who did what; the database refuses to change an entry, and to delete one in any other way",
    "policies and their versions": "entries of the audit log and verdicts refer to them, and they are few",
    "the newest evaluation of each branch and tag": "it is the verdict; for a closed pull request's branch, it is deleted with the pull request",
    "labels of previews' hostnames, and whose they are": "an address that somebody has a link to must never lead to another workspace",
    "people, their accepted invitations, workspaces, connections, projects, agents": "somebody made each by hand, and may remove a project or a connection; a revoked agent's key must stay refused, and a removed agent is still named by what it did",
}


def delete(rows: QuerySet[Any], *, batch: int = BATCH) -> int:
    """Delete `rows` with everything that depends on them; returns how many of `rows` were deleted.

    There is one transaction per batch, so that nobody waits long for a lock. Rows that somebody else has locked
    (another worker that prunes, a handler) are left for them or for the next call, and so are rows beyond MOST_BATCHES.
    Idempotent.
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
    """Those of `rows` that no row of any model refers to. For an app that does not know which apps above it do."""
    for relation in rows.model._meta.related_objects:
        related: type[Model] = relation.related_model
        referring = related._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        rows = rows.filter(~Exists(referring))
    return rows
