"""Who gets into the previews of a project, from its next deployments on."""

from seatrial.control.projects.models import Gate, Mode, Project


def newest(project: Project) -> Gate | None:
    """What somebody decided last; None: nobody ever did, so everybody gets in."""
    return Gate.objects.filter(project=project).order_by("-id").first()


def gate_of(project: Project) -> Gate | None:
    """The gate of a deployment that begins now; None: everybody gets in."""
    gate = newest(project)
    return None if gate is None or gate.mode == Mode.PUBLIC else gate
