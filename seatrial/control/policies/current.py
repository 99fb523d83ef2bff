"""Which evaluations are the verdict now, and which only history."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import PullRequestState
from seatrial.wire.states import EvaluationState
from seatrial.wire.words import EventKind

VERDICTS = (EvaluationState.PASSED, EvaluationState.FAILED)
WITHOUT_VERDICT = (EvaluationState.ERRORED, EvaluationState.TIMED_OUT)
EVERY = Q()


def inspections(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Those of commits themselves, and not of their previews."""
    return rows.exclude(event=EventKind.PREVIEW)


def floats(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Those of previews, by live policies."""
    return rows.filter(event=EventKind.PREVIEW)


def newest_of(rows: QuerySet[Evaluation]) -> Evaluation | None:
    """The newest; a superseded one only if there is no other."""
    newest = rows.order_by("-id")
    return newest.exclude(state=EvaluationState.SUPERSEDED).first() or newest.first()


def followed(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Those with a newer evaluation of the same project, ref, event and pull request."""
    return rows.filter(_followed())


def current(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """The newest of each open pull request, and of each branch and tag.

    Not those of merge queues: once such a commit has its verdict, it is merged or out of the queue.
    """
    return _concerned(rows).exclude(_followed())


def standing(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Like `current`, but while the newest has no verdict, and after one that ended without any result that counts, the one
    before it still stands."""
    return _concerned(rows).filter(_says_something()).exclude(_followed(by=_says_something()))


def _concerned(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    concerned = rows.filter(Q(pull_request=None) | Q(pull_request__state=PullRequestState.OPEN))
    return concerned.exclude(event=EventKind.MERGE_QUEUE)


def _says_something() -> Q:
    counts = Q(score__isnull=False) | Q(waived__gt=0)
    return Q(state__in=VERDICTS) | (Q(state__in=WITHOUT_VERDICT) & counts)


def _followed(*, by: Q = EVERY) -> Q:
    newer = Evaluation.objects.filter(
        by, project=OuterRef("project"), ref=OuterRef("ref"), event=OuterRef("event"), id__gt=OuterRef("id")
    )
    of_pull_request = Q(Exists(newer.filter(pull_request=OuterRef("pull_request"))))
    return of_pull_request | Q(Exists(newer.filter(pull_request=None)), pull_request=None)
