"""Asking for a re-scan, and stopping it."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.policies.errors import NothingToRescan
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rescans.ending import settle
from seatrial.control.policies.rescans.feeding import feed, lock
from seatrial.control.policies.rescans.models import Outcome, Rescan, RescanTarget
from seatrial.control.policies.rollout.choosing import reaches
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.wire.states import Level

MOST_TARGETS = 5_000


def of_project(project: Project, *, by: Actor, pull_requests: bool = False) -> Rescan:
    """Run the project's policies on its default branch, and on its open pull requests if they are asked for.

    While the same is in progress, that is returned. Raises ProjectArchived.
    """
    if project.archived_at is not None or project.gone:
        raise ProjectArchived(project.name)
    return _begun(project.workspace, [project], by=by, project=project, pull_requests=pull_requests)


def of_workspace(workspace: Workspace, *, by: Actor, pull_requests: bool = False) -> Rescan:
    """The same for all projects of a workspace. Raises NothingToRescan."""
    return _begun(workspace, _projects(workspace), by=by, pull_requests=pull_requests)


def of_policy(policy: Policy, *, by: Actor, pull_requests: bool = False) -> Rescan:
    """The same for all projects that the policy is attached to. Raises NothingToRescan."""
    if not policy.enabled or policy.level == Level.DRAFT:
        raise NothingToRescan(f"{policy.name} is a draft, or switched off: it runs nowhere. Try it instead.")
    attachments = list(policy.attachments.all())
    projects = [one for one in _projects(policy.workspace) if reaches(attachments, one)]
    return _begun(policy.workspace, projects, by=by, policy=policy, pull_requests=pull_requests)


def scheduled(project: Project) -> Rescan:
    """The same as `of_project`, because the project is due. What is remembered does not count: time has passed."""
    return _begun(project.workspace, [project], by=SYSTEM, project=project, is_scheduled=True)


@transaction.atomic
def stop(rescan: Rescan, *, by: Actor) -> None:
    """Begin nothing more of it. What is under way goes on, and counts. Does nothing to one that has ended."""
    lock()
    row = Rescan.objects.select_for_update().get(pk=rescan.pk)
    if row.finished_at is not None or row.stopped_by:
        return
    row.stopped_by = str(by)[:200]
    row.save(update_fields=["stopped_by"])
    waiting = row.targets.filter(outcome=Outcome.WAITING)
    waiting.update(outcome=Outcome.STOPPED, ended_at=timezone.now())
    settle([row.pk])
    audit.record("rescan.stop", f"rescan/{row.pk}", by=by, workspace=row.workspace_id)
    feed()


def _projects(workspace: Workspace) -> list[Project]:
    rows = Project.objects.filter(workspace=workspace, archived_at=None, gone="")
    return list(rows.order_by("name", "id"))


@transaction.atomic
def _begun(
    workspace: Workspace,
    projects: Iterable[Project],
    *,
    by: Actor,
    policy: Policy | None = None,
    project: Project | None = None,
    pull_requests: bool = False,
    is_scheduled: bool = False,
) -> Rescan:
    # One call per workspace at a time, so that nothing is begun twice
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    same = Rescan.objects.filter(workspace=workspace, policy=policy, project=project, finished_at=None)
    same = same.filter(fresh=True) if is_scheduled else same
    known = same.filter(stopped_by="", targets__pull_request__isnull=not pull_requests).first()
    if known is not None:
        return known
    targets = [*_branches(projects), *(_pulls(projects) if pull_requests else ())]
    if not targets:
        raise NothingToRescan("There is no project to run anything on. Connect one, or attach the policy.")
    made = Rescan.objects.create(
        workspace=workspace,
        policy=policy,
        project=project,
        scheduled=is_scheduled,
        fresh=is_scheduled,
        left_out=max(0, len(targets) - MOST_TARGETS),
        by=str(by)[:200],
    )
    for target in targets[:MOST_TARGETS]:
        target.rescan = made
    RescanTarget.objects.bulk_create(targets[:MOST_TARGETS])
    if not is_scheduled:
        details = {"policy": policy.slug if policy else None, "targets": len(targets)}
        audit.record("rescan.start", f"rescan/{made.pk}", by=by, workspace=workspace.pk, details=details)
    feed()
    return made


def _branches(projects: Iterable[Project]) -> list[RescanTarget]:
    return [RescanTarget(project=one) for one in projects]


def _pulls(projects: Iterable[Project]) -> list[RescanTarget]:
    rows = PullRequest.objects.filter(project__in=list(projects), state=PullRequestState.OPEN)
    return [
        RescanTarget(project_id=one.project_id, pull_request=one)
        for one in rows.order_by("project__name", "number")
    ]
