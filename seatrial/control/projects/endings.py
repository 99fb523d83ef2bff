"""What people change about a project or a connection as a whole: archive, restore, remove.

What follows from that for previews, evaluations and webhooks is in `triggers.endings`, which calls these functions.
"""

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.projects.errors import WrongName
from seatrial.control.projects.models import Connection, Project


@transaction.atomic
def archive(project: Project, by: Actor) -> bool:
    """Mark it as archived, keeping all of its data; False if it was. Idempotent."""
    row = _locked(project)
    if row.archived_at is not None:
        return False
    _save(row, project, archived_at=timezone.now())
    _record("project.archive", row, by)
    return True


@transaction.atomic
def restore(project: Project, by: Actor) -> bool:
    """Undo that it was archived, or that its removal was asked for; False if it was neither. Idempotent.

    Its connection, if that was to be removed, stays too: without it the project could not be reached.
    """
    row = _locked(project)
    if row.archived_at is None:
        return False
    connection = Connection.objects.select_for_update(no_key=True).get(pk=row.connection_id)
    if connection.removal_asked_at is not None:
        connection.removal_asked_at = None
        connection.save(update_fields=["removal_asked_at"])
        _record_connection("connection.restore", connection, by)
    _save(row, project, archived_at=None, removal_asked_at=None)
    _record("project.restore", row, by)
    return True


@transaction.atomic
def ask_removal(project: Project, by: Actor, *, typed: str) -> bool:
    """Mark it as archived and to be deleted with all of its data; False if it was. Idempotent.

    `typed` is what somebody typed to show that they mean this project. Raises WrongName.
    """
    row = _locked(project)
    require_name(typed, row.slug)
    if row.removal_asked_at is not None:
        return False
    now = timezone.now()
    _save(row, project, archived_at=row.archived_at or now, removal_asked_at=now)
    _record("project.remove", row, by)
    return True


@transaction.atomic
def ask_removal_of_connection(connection: Connection, by: Actor) -> bool:
    """Mark it as to be deleted once it has no project; False if it was. Idempotent."""
    row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    if row.removal_asked_at is not None:
        return False
    row.removal_asked_at = timezone.now()
    row.save(update_fields=["removal_asked_at"])
    _record_connection("connection.remove", row, by)
    return True


def require_name(typed: str, name: str) -> None:
    """Return when `typed` is `name`; else raise WrongName."""
    if typed.strip() != name:
        raise WrongName(name)


def _locked(project: Project) -> Project:
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _save(row: Project, given: Project, **values: object) -> None:
    """Save `values`, also in the object that the caller holds."""
    for name, value in values.items():
        setattr(row, name, value)
        setattr(given, name, value)
    row.save(update_fields=list(values))


def _record_connection(action: str, connection: Connection, by: Actor) -> None:
    audit.record(
        action,
        f"connection/{connection.pk}",
        by=by,
        workspace=connection.workspace_id,
        details={"name": connection.name, "address": connection.base_url},
    )


def _record(action: str, project: Project, by: Actor) -> None:
    audit.record(
        action,
        f"project/{project.pk}",
        by=by,
        workspace=project.workspace_id,
        details={"name": project.name, "repository": project.full_name or project.external_id},
    )
