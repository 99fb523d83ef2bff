"""Ends all previews of a project at once."""

from seatrial.control.previews import lifecycle
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.wire.states import EnvironmentState
from seatrial.wire.words import StopCause


def end_all(project: Project) -> int:
    """End every preview of the project, in the caller's transaction; returns how many. Idempotent.

    A preview that a person stopped stays marked as stopped, so that it does not come back by itself.
    """
    living = Environment.objects.filter(project=project).exclude(state=EnvironmentState.TERMINATED)
    return sum(_end(pk) for pk in living.order_by("pk").values_list("pk", flat=True))


def still_there(project: Project) -> int:
    """How many of its environments exist on some host, or may."""
    return Environment.objects.filter(project=project, removed_at=None).count()


def _end(environment_id: str) -> bool:
    environment = lifecycle.locked(environment_id)
    if environment is None or environment.state == EnvironmentState.TERMINATED:
        return False
    cause = StopCause(environment.stop_cause) if environment.stop_cause else None
    lifecycle.terminate(environment, cause=cause, stopped_by=environment.stopped_by)
    return True
