"""Deletes old ended previews, and old ended deployments and placements of living ones."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from seatrial.control import keeping
from seatrial.control.previews.models import Deployment, Environment, Placement, Snapshot
from seatrial.control.projects.models import PullRequestState
from seatrial.wire.states import DeploymentState, EnvironmentState

BATCH = 100  # each has deployments, and those have phases
WITHOUT_RESULT = [DeploymentState.SUPERSEDED, DeploymentState.CANCELLED]
ENDED = [*WITHOUT_RESULT, DeploymentState.FAILED]


def prune(now: datetime) -> int:
    """Delete what ended long ago: environments, and deployments, snapshots and placements of living ones; returns how many rows.

    The newest environment of each recipe of an open pull request stays: it records that somebody stopped the preview. So do live
    deployments and candidates, and the newest deployment with a result, because its commit need not be deployed again.
    """
    horizon = keeping.HISTORY.horizon(now)
    left = Placement.objects.filter(removed_at__lt=horizon)
    snapshots = Snapshot.objects.filter(ended_at__lt=horizon)
    rows = keeping.delete(left) + keeping.delete(snapshots)
    return _environments(horizon) + _deployments(horizon) + rows


def commits_in_use() -> set[str]:
    """The commits of all live deployments and candidates, and of those that are kept."""
    living = Environment.objects.exclude(state=EnvironmentState.TERMINATED)
    commits = living.values_list("live__commit", "candidate__commit", "kept__commit")
    return {commit for each in commits for commit in each if commit}


def _environments(horizon: datetime) -> int:
    ended = Environment.objects.filter(state=EnvironmentState.TERMINATED, terminated_at__lt=horizon)
    newer = Environment.objects.filter(
        pull_request=OuterRef("pull_request"), recipe=OuterRef("recipe"), id__gt=OuterRef("id")
    )
    over = Q(Exists(newer)) | Q(pull_request__state=PullRequestState.CLOSED)
    return keeping.delete(ended.filter(over), batch=BATCH)


def _deployments(horizon: datetime) -> int:
    ended = Deployment.objects.filter(finished_at__lt=horizon, state__in=ENDED)
    newer = Deployment.objects.filter(environment=OuterRef("environment"), id__gt=OuterRef("id"))
    shown = Environment.objects.filter(Q(live=OuterRef("pk")) | Q(candidate=OuterRef("pk")))
    return keeping.delete(
        ended.filter(Exists(newer.exclude(state__in=WITHOUT_RESULT)), ~Exists(shown)), batch=BATCH
    )
