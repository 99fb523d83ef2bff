"""Which evaluations are the verdict now, and which only history."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import PullRequestState
from seatrial.wire.words import EventKind


def followed(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Those with a newer evaluation of the same project, ref, event and pull request."""
    return rows.filter(_followed())


def current(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """The newest of each open pull request, and of each branch and tag.

    Not those of merge queues: once such a commit has its verdict, it is merged or out of the queue.
    """
    concerned = rows.filter(Q(pull_request=None) | Q(pull_request__state=PullRequestState.OPEN))
    return concerned.exclude(event=EventKind.MERGE_QUEUE).exclude(_followed())


def _followed() -> Q:
    newer = Evaluation.objects.filter(
        project=OuterRef("project"), ref=OuterRef("ref"), event=OuterRef("event"), id__gt=OuterRef("id")
    )
    of_pull_request = Q(Exists(newer.filter(pull_request=OuterRef("pull_request"))))
    return of_pull_request | Q(Exists(newer.filter(pull_request=None)), pull_request=None)
