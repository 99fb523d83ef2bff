"""What follows when a project is archived, restored or removed, or a connection is removed."""

from django.db import transaction

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import hooks
from seatrial.control.forges.errors import ConnectionInUse, UnfitConnection
from seatrial.control.forges.registry import registered
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.previews import endings as previews
from seatrial.control.projects import endings as projects
from seatrial.control.projects.models import Connection, Project


@transaction.atomic
def archive(project: Project, by: Actor) -> None:
    """Take the project out of trial: its previews and its evaluations in progress end, its webhook is removed.

    All of its data is kept, and `restore` undoes it. Idempotent. The forge is asked after the transaction, in a lane.
    """
    if projects.archive(project, by):
        _end(project)


@transaction.atomic
def restore(project: Project, by: Actor) -> None:
    """Put it under trial again: its webhook is registered again, and the previews of its open pull requests come back.

    Those that a person stopped do not. What changed at the forge meanwhile is seen within a minute. Idempotent.
    """
    if projects.restore(project, by):
        hooks.ask(project)
        outbox.instruct(Instruction.FOLLOW, project=project.pk)


@transaction.atomic
def remove(project: Project, by: Actor, *, typed: str) -> None:
    """Archive it, and have all of its data deleted once its previews are gone from their hosts and its webhook from its
    forge (`triggers.removals`). Until then `restore` keeps it. Idempotent. Raises WrongName.
    """
    if projects.ask_removal(project, by, typed=typed):
        _end(project)


@transaction.atomic
def remove_connection(connection: Connection, by: Actor, *, typed: str = "") -> None:
    """Have the connection deleted; with `typed`, its name, also all of its projects, before it. Idempotent.

    Raises ConnectionInUse when it has projects and nothing was typed, WrongName, and UnfitConnection for one to
    repositories on this server, which comes with the install.
    """
    if registered(connection.forge).hosting is None:
        raise UnfitConnection(
            "Repositories on this server need their connection. Remove its projects one by one."
        )
    rows = list(connection.projects.select_for_update(no_key=True).order_by("pk"))
    if rows and not typed:
        raise ConnectionInUse(connection.name, len(rows))
    if rows:
        projects.require_name(typed, connection.name)
    for project in rows:
        remove(project, by, typed=project.slug)
    projects.ask_removal_of_connection(connection, by)


def _end(project: Project) -> None:
    previews.end_all(project)
    policies.supersede_project(project)
    hooks.ask(project)
