"""Admits candidates: lets their services start once their project has room for what they may use together.

The agents of a fleet share one project's previews, so none of them can decide this: they read how much a deployment asks
for, say it (`wire.deployments.RecipeRead`), and start nothing while the desired state says that it is held.

The order: of those that wait, the environment that was opened first is looked at first, however often it was pushed to. One
that does not fit does not hold up those after it. One that asks for no more than its live deployment always fits.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.previews import lifecycle, totals
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.totals import NOTHING, Amount, Total
from seatrial.control.projects.models import Project
from seatrial.wire.words import Reason

log = structlog.get_logger(__name__)


def admit_waiting() -> int:
    """Admit every held candidate that fits, and fail those that never can; returns how many were admitted.

    Level-triggered and idempotent: everything is told from the rows, so it may be called at any time by any number of
    workers, and after a crash the next call does the rest. There is one transaction per project, which has the project's
    row locked: what it has seen to be free, nobody else can give away. It locks environments after the project, in the order
    of their ids; whoever changes an environment locks no second one, and no project after it.
    """
    projects = _held().order_by("project_id").values_list("project_id", flat=True).distinct()
    return sum(_of_project(project) for project in list(projects))


def _held() -> QuerySet[Environment]:
    """Of all projects, those whose candidate is held; an environment without a candidate has none that was not admitted, either."""
    return Environment.objects.filter(candidate__admitted_at=None, candidate__memory_mb__isnull=False)


@transaction.atomic
def _of_project(project_id: str) -> int:
    project = Project.objects.select_for_update(no_key=True).filter(pk=project_id).first()
    if project is None:
        return 0
    most = totals.total(project)
    used = totals.used([project_id]).get(project_id, {})
    admitted = 0
    for identity in list(_held().filter(project=project_id).order_by("pk").values_list("pk", flat=True)):
        environment = lifecycle.locked(identity)
        asked = asked_for(environment.candidate) if environment is not None else None
        if environment is None or asked is None:
            continue
        if why := totals.too_large(asked, most):
            lifecycle.fail(environment, reason=Reason.TOO_LARGE, message=why)
        elif not _shortage(environment, asked, used, most):
            _admit(environment)
            used[identity] = used.get(identity, NOTHING) | asked
            admitted += 1
    return admitted


def asked_for(candidate: Deployment | None) -> Amount | None:
    """What a held candidate asks for; None if it is not held, or nobody has told yet."""
    if candidate is None or candidate.admitted_at is not None or candidate.memory_mb is None:
        return None
    return Amount(candidate.cpus or 0.0, candidate.memory_mb, 1)


def _shortage(environment: Environment, asked: Amount, used: dict[str, Amount], most: Total) -> str:
    others = [amount for one, amount in used.items() if one != environment.pk]
    return totals.shortage(environment.project.name, asked, used.get(environment.pk, NOTHING), others, most)


@dataclass(frozen=True)
class Shortage:
    """What a held candidate has no room in, and its place among those of its project that are held."""

    what: str
    place: int
    held: int


def shortages(environments: list[Environment]) -> dict[str, Shortage]:
    """By the environment's id, only of those whose candidate waits for room; two queries at most.

    Their `candidate` and `project` should have been read with them.
    """
    held = [(one, asked) for one in environments if (asked := asked_for(one.candidate)) is not None]
    if not held:
        return {}
    projects = {one.project_id: one.project for one, _ in held}
    most = {pk: totals.total(project) for pk, project in projects.items()}
    used, queues = totals.used(projects), _queues(projects)
    found = {}
    for one, asked in held:
        what = _shortage(one, asked, used.get(one.project_id, {}), most[one.project_id])
        if what and not totals.too_large(asked, most[one.project_id]):  # else it is about to be refused
            queue = queues.get(one.project_id, [])
            found[one.pk] = Shortage(what, queue.index(one.pk) + 1 if one.pk in queue else 1, len(queue) or 1)
    return found


def _queues(projects: Iterable[str]) -> dict[str, list[str]]:
    """{project: environments whose candidate is held, in the order in which they are looked at}."""
    rows = _held().filter(project__in=list(projects))
    queues: dict[str, list[str]] = {}
    for project, environment in rows.order_by("pk").values_list("project_id", "pk"):
        queues.setdefault(project, []).append(environment)
    return queues


def _admit(environment: Environment) -> None:
    candidate = environment.candidate
    assert candidate is not None
    candidate.admitted_at = timezone.now()
    candidate.save(update_fields=["admitted_at"])
    lifecycle.tell_agents(environment)
    log.info("admitted", deployment=candidate.pk, environment=environment.name)
