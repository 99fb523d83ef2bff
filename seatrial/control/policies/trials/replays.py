"""Replays: one policy on the newest commits of many projects, beside the version in force. Nobody is notified of what comes of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.errors import NothingToTry, ReplayRuns
from seatrial.control.policies.models import Policy, PolicyVersion, Replay, Trial
from seatrial.control.policies.rollout.choosing import reaches
from seatrial.control.policies.trials import commits
from seatrial.control.policies.trials.drafts import Draft, of_version
from seatrial.control.policies.trials.feeding import OPEN, feed
from seatrial.control.policies.trials.summaries import ReplaySummary, summary
from seatrial.control.projects.models import Project
from seatrial.wire.states import Level, TrialState

MOST_COMMITS = 100  # of each project's default branch
MOST_TRIALS = 1_000  # of one replay
CANCELLED = "Cancelled by {by}."


@dataclass(frozen=True)
class Wanted:
    """On what it is tried: the newest `commits` of the default branch of each project, and its open pull requests."""

    commits: int = 20
    pull_requests: bool = True
    projects: tuple[str, ...] = ()  # ids; empty: all that the policy is attached to


@transaction.atomic
def replay(
    workspace: Workspace, draft: Draft, *, version: PolicyVersion | None, wanted: Wanted, by: Actor
) -> Replay:
    """Begin to try `draft`, which is that `version` if one is given. Raises NothingToTry, ReplayRuns.

    Bounded: what MOST_TRIALS has no room for is left out and counted, the oldest commits first. A workspace has one replay at a
    time; it shares the agents fairly with those of others (see `feeding`), and can be cancelled.
    """
    if draft.live:
        raise NothingToTry(
            f"{draft.slug} looks at previews (LIVE = True), and the previews of old commits do not run any more. Try it on the commit of "
            "a pull request instead."
        )
    policy = Policy.objects.filter(workspace=workspace, slug=draft.slug).first()
    rows, left_out = _places(_projects(workspace, policy, wanted), wanted)
    if not rows:
        raise NothingToTry("No commit of any project is known yet. Push one, or open a pull request.")
    in_force = _in_force(policy)
    tried = [draft.without_tests()]
    if in_force is not None and in_force != version:
        tried.append(of_version(in_force).without_tests())
    try:
        with transaction.atomic():
            made = Replay.objects.create(
                workspace=workspace,
                policy=policy,
                version=version,
                in_force=in_force,
                slug=draft.slug,
                tried=[one.row() for one in tried],
                commits=wanted.commits,
                left_out=left_out,
                by=str(by)[:200],
            )
    except IntegrityError as error:
        raise ReplayRuns(
            f"Another replay of {workspace.name} is in progress. Wait for it, or cancel it."
        ) from error
    Trial.objects.bulk_create(_trial(made, place, project, one) for place, project, one in rows)
    details = {"policy": draft.slug, "version": version.number if version else None, "commits": len(rows)}
    audit.record("policy.replay", f"replay/{made.pk}", by=by, workspace=workspace.pk, details=details)
    feed()
    return made


@transaction.atomic
def cancel(replay: Replay, *, by: Actor) -> None:
    """End it as it is. What an agent is at goes on, and counts no more. Does nothing to one that has ended."""
    row = Replay.objects.select_for_update().get(pk=replay.pk)
    if row.state != TrialState.RUNNING:
        return
    end(row, CANCELLED.format(by=by))
    audit.record("policy.cancel_replay", f"replay/{row.pk}", by=by, workspace=row.workspace_id)


def end(row: Replay, why: str) -> None:
    """End a replay early. The caller has locked its row."""
    now = timezone.now()
    row.trials.filter(state__in=OPEN).update(state=TrialState.CANCELLED, finished_at=now)
    row.state, row.message, row.finished_at = TrialState.CANCELLED, why, now
    row.save(update_fields=["state", "message", "finished_at"])


def replayed(version: PolicyVersion) -> ReplaySummary | None:
    """What the newest complete replay of exactly this version said; None if there is none."""
    newest = Replay.objects.filter(version=version, state=TrialState.FINISHED).order_by("-id").first()
    return summary(newest) if newest is not None else None


def possible(policy: Policy) -> bool:
    """Whether there is a commit that the policy could be replayed on."""
    return bool(_places(_projects(policy.workspace, policy, Wanted()), Wanted(commits=1))[0])


def _in_force(policy: Policy | None) -> PolicyVersion | None:
    if policy is None or not policy.enabled or policy.level == Level.DRAFT:
        return None
    return policy.versions.order_by("-number").first()


def _projects(workspace: Workspace, policy: Policy | None, wanted: Wanted) -> list[Project]:
    """Those that the policy is attached to; all, if it is attached to none yet."""
    rows = Project.objects.filter(workspace=workspace, archived_at=None).order_by("name", "id")
    rows = rows.filter(pk__in=wanted.projects) if wanted.projects else rows
    attachments = list(policy.attachments.all()) if policy is not None else []
    if not attachments:
        return list(rows)
    return [project for project in rows if reaches(attachments, project)]


def _places(
    projects: Iterable[Project], wanted: Wanted
) -> tuple[list[tuple[int, Project, commits.KnownCommit]], int]:
    """(place, project, commit), every project in turn: its pull requests, then its branch from the newest on; and how many there was no room for."""
    found = []
    for project in projects:
        pulls = commits.of_pull_requests(project) if wanted.pull_requests else []
        every = {one.commit: one for one in reversed([*pulls, *commits.of_branch(project, wanted.commits)])}
        found += [(place, project, one) for place, one in enumerate(reversed(every.values()))]
    found.sort(key=lambda one: one[0])
    return found[:MOST_TRIALS], max(0, len(found) - MOST_TRIALS)


def _trial(made: Replay, place: int, project: Project, one: commits.KnownCommit) -> Trial:
    return Trial(
        workspace_id=made.workspace_id,
        replay=made,
        policy_id=made.policy_id,
        version_id=made.version_id,
        project=project,
        pull_request=one.pull_request,
        commit=one.commit,
        base_commit=one.base_commit,
        ref=one.ref[:250],
        place=place,
        by=made.by,
    )
