"""What follows when a connection reaches other repositories than before. Data is kept; pages say why nothing happens."""

from django.db.models import Q

from seatrial.control.projects.events import ReachChanged
from seatrial.control.projects.models import Connection, Project
from seatrial.control.projects.services import note_reachable, note_unreachable
from seatrial.control.triggers.reports import report_all


def reach_changed(connection: Connection, event: ReachChanged) -> str:
    """Note it on the projects that it is about; returns what was done, for people. Idempotent.

    The sweep finds out the same a minute later, so what the forge left out is made up for.
    """
    about = Q(external_id__in=event.repositories)
    if not event.repositories and event.owner:
        about = Q(full_name__istartswith=f"{event.owner}/")
    projects = list(Project.objects.filter(about, connection=connection, archived_at=None).order_by("pk"))
    for project in projects:
        if event.why:
            note_unreachable(project, event.why)
        else:
            report_all(project)
            note_reachable(project)
    if not projects:
        return "ignored: it is about no project"
    names = ", ".join(project.full_name or project.name for project in projects)
    return f"{'not reached any more' if event.why else 'reached again'}: {names}"
