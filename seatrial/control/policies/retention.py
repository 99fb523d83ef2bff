"""Evaluations go after a while. What people and the policies themselves still ask about stays."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from seatrial.control import keeping
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.states import EvaluationState

ENDED = [state for state in EvaluationState if state.terminal]
BATCH = 100  # each has a result per policy
REF_OF_BRANCH = "refs/heads/"


def prune(now: datetime, *, in_use: Collection[str] = ()) -> int:
    """Delete old evaluations with their results; returns how many.

    Never the newest of a pull request or a ref: it is the verdict, and what keeps a commit from being evaluated twice.
    Nor one of a commit `in_use`. A pull request that was closed long ago has no verdict any more, and nor has its branch.
    """
    horizon = keeping.HISTORY.horizon(now)
    old = Evaluation.objects.filter(created_at__lt=horizon, state__in=ENDED).exclude(commit__in=in_use)
    return sum(keeping.delete(rows, batch=BATCH) for rows in (_followed(old), _of_closed(old, horizon)))


def _followed(old: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Those of which there is a newer one of the same."""
    newer = Evaluation.objects.filter(
        project=OuterRef("project"), ref=OuterRef("ref"), event=OuterRef("event"), id__gt=OuterRef("id")
    )
    of_pull_request = Q(Exists(newer.filter(pull_request=OuterRef("pull_request"))))
    return old.filter(of_pull_request | Q(Exists(newer.filter(pull_request=None)), pull_request=None))


def _of_closed(old: QuerySet[Evaluation], horizon: datetime) -> QuerySet[Evaluation]:
    """Those of pull requests that were closed long ago, and of branches that are only theirs."""
    closed = Q(state=PullRequestState.CLOSED, changed_at__lt=horizon)
    of_pull_request = Exists(PullRequest.objects.filter(closed, pk=OuterRef("pull_request")))
    same = PullRequest.objects.annotate(ref=Concat(Value(REF_OF_BRANCH), "branch"))
    same = same.filter(project=OuterRef("project"), ref=OuterRef("ref"))
    of_branch = Q(Exists(same.filter(closed)), ~Exists(same.exclude(closed)), pull_request=None)
    default = Q(ref=Concat(Value(REF_OF_BRANCH), F("project__default_branch")))
    return old.filter(of_pull_request | (of_branch & ~default))
