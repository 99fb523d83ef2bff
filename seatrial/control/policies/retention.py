"""Deletes old evaluations, except those that people or the platform still need, and waivers and trials that ended."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from seatrial.control import keeping
from seatrial.control.policies.current import followed
from seatrial.control.policies.models import BrokenGlass, Evaluation, Replay, Trial, Waiver
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.states import EvaluationState, TrialState

ENDED = [state for state in EvaluationState if state.terminal]
BATCH = 100  # each has a result per policy
REF_OF_BRANCH = "refs/heads/"


def prune(now: datetime, *, in_use: Collection[str] = ()) -> int:
    """Delete old evaluations with their results; returns how many.

    The newest evaluation of a pull request or a ref stays: it is the verdict, and it keeps the commit from being
    evaluated twice. Evaluations of commits `in_use` stay too. When a pull request was closed long ago, its newest
    evaluation and that of its branch are deleted as well.
    """
    horizon = keeping.HISTORY.horizon(now)
    old = Evaluation.objects.filter(created_at__lt=horizon, state__in=ENDED).exclude(commit__in=in_use)
    return sum(keeping.delete(rows, batch=BATCH) for rows in (followed(old), _of_closed(old, horizon)))


def prune_waivers(now: datetime) -> int:
    """Delete waivers that ended long ago and that no result refers to any more, and glass that was mended long ago; returns how
    many."""
    horizon = keeping.HISTORY.horizon(now)
    glass = keeping.delete(BrokenGlass.objects.filter(ended_at__lt=horizon))
    return glass + keeping.delete(Waiver.objects.filter(ended_at__lt=horizon, results=None))


def prune_trials(now: datetime) -> int:
    """Delete trials and replays that ended long ago; returns how many. The newest replay of a version stays, because its level may
    depend on it."""
    horizon = keeping.TRIALS.horizon(now)
    newer = Replay.objects.filter(
        version=OuterRef("version"), state=TrialState.FINISHED, id__gt=OuterRef("id")
    )
    replays = Replay.objects.filter(finished_at__lt=horizon).filter(Q(version=None) | Q(Exists(newer)))
    trials = Trial.objects.filter(finished_at__lt=horizon, replay=None)
    return keeping.delete(trials) + keeping.delete(replays, batch=1)


def _of_closed(old: QuerySet[Evaluation], horizon: datetime) -> QuerySet[Evaluation]:
    """Those of pull requests that were closed long ago, and of branches that no other pull request has."""
    closed = Q(state=PullRequestState.CLOSED, changed_at__lt=horizon)
    of_pull_request = Exists(PullRequest.objects.filter(closed, pk=OuterRef("pull_request")))
    same = PullRequest.objects.annotate(ref=Concat(Value(REF_OF_BRANCH), "branch"))
    same = same.filter(project=OuterRef("project"), ref=OuterRef("ref"))
    of_branch = Q(Exists(same.filter(closed)), ~Exists(same.exclude(closed)), pull_request=None)
    default = Q(ref=Concat(Value(REF_OF_BRANCH), F("project__default_branch")))
    return old.filter(of_pull_request | (of_branch & ~default))
