"""Puts repositories of a forge under trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import transaction

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError, UnfitConnection
from seatrial.control.forges.listings import Listings
from seatrial.control.forges.protocol import ForgeRepository
from seatrial.control.forges.urgency import Urgency, asking
from seatrial.control.projects.models import Connection, Project
from seatrial.control.projects.services import ensure_project

MOST_SHOWN = 500
SHOWN_AT_ONCE = 50


@dataclass(frozen=True)
class Choice:
    """A repository that can be chosen; `project` is the one it already is."""

    repository: ForgeRepository
    project: Project | None


@dataclass(frozen=True)
class Refusal:
    """A repository that was not put under trial, and why."""

    full_name: str
    why: str


def choices(forges: Forges, connection: Connection, search: str = "") -> list[Choice]:
    """The repositories that the connection reaches and whose names contain `search`; at most MOST_SHOWN.

    No transaction is open. Raises ForgeError.
    """
    wanted = search.strip().casefold()
    found = (
        one
        for one in forges.hosted(connection).repositories()
        if not one.archived and wanted in one.full_name.casefold()
    )
    with asking(Urgency.LOOK):
        repositories = list(islice(found, MOST_SHOWN))
    projects = {
        one.external_id: one for one in Project.objects.filter(connection=connection, archived_at=None)
    }
    return [Choice(one, projects.get(one.external_id)) for one in repositories]


@dataclass(frozen=True)
class Picking:
    """A page of repositories to choose from. `problem`: why there may be more than is known."""

    choices: list[Choice]
    more: bool
    problem: str


def picking(
    listings: Listings, connection: Connection, *, search: str, number: int, afresh: bool = False
) -> Picking:
    """Page `number`, from 1, of the repositories whose names contain `search`. No transaction is open. Raises ForgeError."""
    listing = listings.of(connection, afresh=afresh)
    found = listing.find(search, (number - 1) * SHOWN_AT_ONCE, SHOWN_AT_ONCE)
    identities = [one.external_id for one in found.repositories]
    rows = Project.objects.filter(connection=connection, archived_at=None, external_id__in=identities)
    projects = {one.external_id: one for one in rows}
    choices = [Choice(one, projects.get(one.external_id)) for one in found.repositories]
    return Picking(choices, found.more, found.problem)


def choose(
    forges: Forges, connection: Connection, full_names: Sequence[str], *, by: Actor
) -> tuple[list[Project], list[Refusal]]:
    """Make projects of repositories, and have their webhooks registered soon. Idempotent; no transaction is open.

    One that cannot be had does not stop the others: it is refused with the reason. Raises ForgeError.
    """
    if connection.removal_asked_at is not None:
        raise UnfitConnection(f"{connection.name} is being removed. Connect it again first.")
    forge = forges.hosted(connection)
    made: list[Project] = []
    refused: list[Refusal] = []
    for full_name in dict.fromkeys(full_names):
        try:
            made.append(_project(connection, forge.repository(full_name), by))
        except ForgeError as error:
            refused.append(Refusal(full_name, str(error)))
    return made, refused


@transaction.atomic
def _project(connection: Connection, repository: ForgeRepository, by: Actor) -> Project:
    project = ensure_project(
        connection,
        repository.external_id,
        name=repository.name,
        full_name=repository.full_name,
        clone_url=repository.clone_url,
        web_url=repository.web_url,
        default_branch=repository.default_branch,
        by=by,
    )
    hooks.ask(project)
    return project
