"""Facts of a project at a commit, taken from its forge and kept."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import FactsSnapshot
from seatrial.control.forges.protocol import TakenFacts
from seatrial.control.projects.models import Project
from seatrial.wire.evaluations import ForgeFacts

FRESH = timedelta(minutes=10)


def take(forges: Forges, project: Project, commit: str) -> ForgeFacts:
    """The facts of `commit`: from its snapshot while that is fresh, else from the forge, whose answer is stored.

    The request carries the ETags of this commit's snapshot, or else of the project's newest one, so the forge sends
    what does not depend on the commit (members, topics) only when it changed. Never called inside a transaction.
    Idempotent; two calls at once ask twice. Raises ForgeError.
    """
    rows = FactsSnapshot.objects.filter(project=project)
    snapshot = rows.filter(commit=commit).first()
    if snapshot is not None and snapshot.taken_at > timezone.now() - FRESH:
        return _facts(snapshot)
    known = snapshot or rows.order_by("-taken_at").first()
    taken = forges.of(project.connection).facts(project, commit, _taken(known) if known else None)
    FactsSnapshot.objects.update_or_create(
        project=project,
        commit=commit,
        defaults={
            "facts": taken.facts.model_dump(mode="json"),
            "etags": dict(taken.etags),
            "taken_at": timezone.now(),
        },
    )
    return taken.facts


def last(project: Project) -> ForgeFacts | None:
    """The facts that the forge gave last, of whichever commit; None if it has given none. No forge is asked."""
    snapshot = FactsSnapshot.objects.filter(project=project).order_by("-taken_at").first()
    return _facts(snapshot) if snapshot is not None else None


def _facts(snapshot: FactsSnapshot) -> ForgeFacts:
    return ForgeFacts.model_validate(snapshot.facts)


def _taken(snapshot: FactsSnapshot) -> TakenFacts:
    return TakenFacts(facts=_facts(snapshot), etags=snapshot.etags)
