"""What follows when a project is archived, restored or removed, or a connection is removed."""

from django.db import transaction

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import hooks
from seatrial.control.forges.errors import ConnectionInUse, UnfitConnection
from seatrial.control.forges.registry import registered
from seatrial.control.policies import services as policies
from seatrial.control.previews import endings as previews
from seatrial.control.projects import changes
from seatrial.control.projects.models import Connection, Project


@transaction.atomic
def archive(project: Project, by: Actor) -> None:
    """Take the project out of trial: its previews and its evaluations in progress end, its webhook is removed.

    All of its data is kept, and `restore` undoes it. Idempotent. The forge is asked after the transaction, in a lane.
    """
    if changes.archive(project, by):
        _end(project)


@transaction.atomic
def restore(project: Project, by: Actor) -> None:
    """Put it under trial again. Idempotent.

    Its webhook is registered again. The next comparison with the forge, within a minute, finds its open pull requests,
    and their previews come back; those that a person stopped do not.
    """
    if changes.restore(project, by):
        hooks.ask(project)


@transaction.atomic
def remove(project: Project, by: Actor, *, typed: str) -> None:
    """Archive it, and have all of its data deleted once its previews are gone from their hosts and its webhook from its
    forge (`triggers.removals`). Until then `restore` keeps it. Idempotent. Raises WrongName.
    """
    if changes.ask_removal(project, by, typed=typed):
        _end(project)


@transaction.atomic
def remove_connection(connection: Connection, by: Actor, *, typed: str = "") -> None:
    """Have the connection deleted; with `typed`, its name, also all of its projects, before it. Idempotent.

    Raises ConnectionInUse when it has projects and nothing was typed, WrongName, and UnfitConnection for one to
    repositories on this server, which comes with the install.
    """
    if registered(connection.forge).hosting is None:
        raise UnfitConnection("Repositories on this server need their connection. Remove its projects one by one.")
    projects = list(connection.projects.select_for_update(no_key=True).order_by("pk"))
    if projects and not typed:
        raise ConnectionInUse(connection.name, len(projects))
    if projects:
        changes.require_name(typed, connection.name)
    for project in projects:
        remove(project, by, typed=project.slug)
    changes.ask_removal_of_connection(connection, by)


def _end(project: Project) -> None:
    previews.end_all(project)
    policies.supersede_project(project)
    hooks.ask(project)
