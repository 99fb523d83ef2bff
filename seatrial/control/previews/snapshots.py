"""Snapshots of the data of previews. The template with which new previews of a recipe begin is the newest that was saved of
it.

An admin saves the data of a preview that runs; its agent copies the volumes, and says how that went. Only then is the former
template removed. What a pull request from a fork has written is never saved, and its preview gets only a snapshot that is
marked for forks: who may not push must neither put anything into others' previews, nor read what is in them.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.previews import lifecycle
from seatrial.control.previews.errors import CannotSave
from seatrial.control.previews.models import Environment, Snapshot
from seatrial.control.projects.models import Project
from seatrial.wire.snapshots import SnapshotSaved
from seatrial.wire.states import EnvironmentState, SnapshotState

PATIENCE = timedelta(hours=1)  # for an agent that says nothing of a save


@transaction.atomic
def save(environment: Environment, by: Actor, *, for_forks: bool = False) -> Snapshot:
    """Have the data of the preview saved as the project's template. Raises CannotSave."""
    current = lifecycle.locked(environment.pk)
    if current is None or (problem := _problem(current)):
        raise CannotSave(problem if current is not None else f"{environment.name} is gone.")
    assert current.live is not None and current.live.agent_id is not None
    snapshot = Snapshot.objects.create(
        project=current.project,
        agent_id=current.live.agent_id,
        environment=current,
        source=current.name,
        recipe=current.recipe,
        for_forks=for_forks,
        saved_by=str(by)[:200],
    )
    lifecycle.tell_agents(current)
    _audit("snapshot.save", snapshot, by)
    return snapshot


def _problem(environment: Environment) -> str:
    """Why its data cannot be saved; empty if it can."""
    name = environment.name
    if environment.pull_request.from_fork:
        return f"{name} is the preview of a fork: what it wrote must not get into other previews."
    if (
        environment.state != EnvironmentState.RUNNING
        or environment.live is None
        or not environment.live.agent_id
    ):
        return f"{name} does not run. Wake it, or wait until a deployment is live."
    if environment.candidate is not None:
        return f"{name} is being deployed. Wait until that is over."
    if environment.snapshots.filter(state=SnapshotState.SAVING).exists():
        return f"The data of {name} is being saved already."
    return ""


@transaction.atomic
def saved(agent_id: str, event: SnapshotSaved) -> None:
    """An agent has saved the data, or has not. Idempotent; ignored unless it was asked to."""
    environment = lifecycle.locked(event.environment)
    asked = Snapshot.objects.select_for_update().filter(
        pk=event.snapshot, agent=agent_id, environment=event.environment, state=SnapshotState.SAVING
    )
    snapshot = asked.first()
    if environment is None or snapshot is None:
        return
    if event.problem:
        _fail(snapshot, event.problem)
    else:
        snapshot.state, snapshot.reflinked = SnapshotState.SAVED, event.reflinked
        snapshot.save(update_fields=["state", "reflinked"])
        same = kept(snapshot.project).filter(recipe=snapshot.recipe, state=SnapshotState.SAVED)
        earlier = same.filter(id__lt=snapshot.pk)
        earlier.update(ended_at=timezone.now())
    lifecycle.tell_agents(environment)


@transaction.atomic
def remove(snapshot: Snapshot, by: Actor) -> None:
    """Have the snapshot removed: new previews begin without it. Idempotent."""
    environment = lifecycle.locked(snapshot.environment_id) if snapshot.environment_id else None
    row = kept(snapshot.project).select_for_update().filter(pk=snapshot.pk).first()
    if row is None:
        return
    if row.state == SnapshotState.SAVING:
        _fail(row, f"{by} ended it before it was saved")
    kept(snapshot.project).filter(pk=row.pk).update(ended_at=timezone.now())
    _audit("snapshot.remove", row, by)
    if environment is not None and environment.state != EnvironmentState.TERMINATED:
        lifecycle.tell_agents(environment)


def give_up() -> int:
    """End saves of which nobody has heard for long, or whose preview is gone; returns how many."""
    waiting = Snapshot.objects.filter(state=SnapshotState.SAVING)
    late = Q(created_at__lt=timezone.now() - PATIENCE)
    gone = Q(environment=None) | Q(environment__state=EnvironmentState.TERMINATED)
    return sum(map(_give_up, waiting.filter(late | gone).values_list("pk", "environment")))


@transaction.atomic
def _give_up(asked: tuple[str, str | None]) -> bool:
    key, environment_id = asked
    environment = lifecycle.locked(environment_id) if environment_id else None
    snapshot = Snapshot.objects.select_for_update().filter(pk=key, state=SnapshotState.SAVING).first()
    if snapshot is None:
        return False
    _fail(snapshot, "its preview ended, or its agent did not answer, before the data was saved")
    if environment is not None and environment.state != EnvironmentState.TERMINATED:
        lifecycle.tell_agents(environment)
    return True


def kept(project: Project) -> QuerySet[Snapshot]:
    """Those that exist, or may, newest first."""
    return project.snapshots.filter(ended_at=None).order_by("-id")


def template(environment: Environment) -> str:
    """The id of the snapshot that the preview begins with if it is new; empty: none."""
    found = kept(environment.project).filter(recipe=environment.recipe, state=SnapshotState.SAVED)
    if environment.pull_request.from_fork:
        found = found.filter(for_forks=True)
    return found.values_list("pk", flat=True).first() or ""


def saving(environment: Environment, agent: str) -> str:
    """The id of the snapshot as which the agent is to save the environment's data; empty: none."""
    asked = environment.snapshots.filter(agent=agent, state=SnapshotState.SAVING, ended_at=None)
    return asked.order_by("-id").values_list("pk", flat=True).first() or ""


def of_agents() -> list[tuple[str, str]]:
    """Every snapshot that may be on an agent's host, after that agent."""
    return list(Snapshot.objects.filter(ended_at=None).values_list("agent_id", "pk"))


def _fail(snapshot: Snapshot, problem: str) -> None:
    snapshot.state, snapshot.problem, snapshot.ended_at = (
        SnapshotState.FAILED,
        problem[:4_000],
        timezone.now(),
    )
    snapshot.save(update_fields=["state", "problem", "ended_at"])


def _audit(action: str, snapshot: Snapshot, by: Actor) -> None:
    about = {"project": snapshot.project.slug, "from": snapshot.source}
    audit.record(
        action, f"snapshot/{snapshot.pk}", by=by, workspace=snapshot.project.workspace_id, details=about
    )
