"""Facts of a project at a commit, taken from its forge and kept."""

from datetime import datetime, timedelta

from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import FactsSnapshot
from seatrial.control.forges.protocol import EVERYTHING, Asked, TakenFacts
from seatrial.control.projects.models import Project
from seatrial.wire.evaluations import ForgeFacts

FRESH = timedelta(minutes=10)
OLD = timedelta(days=1)  # then everything is asked for, whoever wants it


def take(forges: Forges, project: Project, commit: str, wanted: frozenset[Asked] = EVERYTHING) -> ForgeFacts:
    """The facts of `commit`: from its snapshot while that is fresh, else from the forge, whose answer is stored.

    Members and protection take requests of their own, and are the same for every commit. So they are asked for at most once in
    `FRESH` for a project, and only if they are `wanted`; who does not want them has them as they were at most `OLD` ago.

    The request carries the ETags of this commit's snapshot, or else of the project's newest one, so the forge sends
    what does not depend on the commit only when it changed. Never called inside a transaction.
    Idempotent; two calls at once ask twice. Raises ForgeError.
    """
    rows, now = FactsSnapshot.objects.filter(project=project), timezone.now()
    newest = rows.order_by("-taken_at").first()
    snapshot = rows.filter(commit=commit).first()
    asked = _due(newest, wanted, now)
    if snapshot is not None and snapshot.taken_at > now - FRESH and not asked:
        return _completed(_facts(snapshot), newest, asked)
    known = snapshot or newest
    taken = forges.of(project.connection).facts(project, commit, _taken(known) if known else None, asked)
    facts = _completed(taken.facts, newest, asked)
    FactsSnapshot.objects.update_or_create(
        project=project,
        commit=commit,
        defaults={
            "facts": facts.model_dump(mode="json"),
            "etags": dict(taken.etags),
            "asked": {**(newest.asked if newest else {}), **{one: now.isoformat() for one in asked}},
            "taken_at": timezone.now(),
        },
    )
    return facts


def _due(newest: FactsSnapshot | None, wanted: frozenset[Asked], now: datetime) -> frozenset[Asked]:
    def due(one: Asked) -> bool:
        at = newest.asked.get(one) if newest is not None else None
        age = now - datetime.fromisoformat(at) if at else OLD
        return age >= (FRESH if one in wanted else OLD)

    return frozenset(filter(due, Asked))


def _completed(facts: ForgeFacts, newest: FactsSnapshot | None, asked: frozenset[Asked]) -> ForgeFacts:
    """With what was not asked for as it was known before."""
    if newest is None:
        return facts
    before = _facts(newest)
    return facts.model_copy(update={one: getattr(before, one) for one in EVERYTHING - asked})


def last(project: Project) -> ForgeFacts | None:
    """The facts that the forge gave last, of whichever commit; None if it has given none. No forge is asked."""
    snapshot = FactsSnapshot.objects.filter(project=project).order_by("-taken_at").first()
    return _facts(snapshot) if snapshot is not None else None


def _facts(snapshot: FactsSnapshot) -> ForgeFacts:
    return ForgeFacts.model_validate(snapshot.facts)


def _taken(snapshot: FactsSnapshot) -> TakenFacts:
    return TakenFacts(facts=_facts(snapshot), etags=snapshot.etags)
