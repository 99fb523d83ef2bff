"""What people ask for at our reports on a commit: buttons and "re-run" at the forge."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.errors import ControlError
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.telling import forget
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.policies.current import inspections
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.recipes import recipes
from seatrial.control.projects.events import CheckAsked, CheckOrder
from seatrial.control.projects.models import Project
from seatrial.wire.words import EventKind

log = structlog.get_logger(__name__)


def asked(project: Project, event: CheckAsked, *, received_at: datetime) -> str:
    """Have it done once the forge has said that the person may; returns what follows, for people."""
    only = {} if event.recipe is None else {"recipe": event.recipe}
    for order in event.orders:
        body: dict[str, Any] = {"commit": event.commit, "order": order, "by": event.author, **only}
        outbox.instruct(Instruction.CHECK, project=project.pk, at=received_at.isoformat(), **body)
    return f"asked for {', '.join(event.orders)} at {event.commit[:10]}, by {event.author}"


def carry_out(forges: Forges, body: dict[str, str]) -> None:
    """Do what was asked for, if the forge says that the person may write to the repository. Raises ForgeError.

    Idempotent: what was begun since it was asked for is not begun again. No transaction is open while the forge is asked.
    """
    project = (
        Project.objects.select_related("connection").filter(pk=body["project"], archived_at=None).first()
    )
    if project is None:
        return
    about = {"project": project.slug, "order": body["order"], "by": body["by"], "commit": body["commit"]}
    if not body["by"] or not forges.hosted(project.connection).may_write(project, body["by"]):
        log.warning("not done: who asked for it may not write to the repository", **about)
    else:
        _act(project, body, about)
    report_again(project, body["commit"])


def _act(project: Project, body: dict[str, str], about: dict[str, str]) -> None:
    by = Actor.forge(f"{body['by']} at {project.connection.name}")
    at = datetime.fromisoformat(body["at"])
    try:
        ACTS[CheckOrder(body["order"])](project, body, by, at)
    except ControlError as error:  # such as: its pull request was closed meanwhile
        log.info("not done", **about, why=str(error))


def report_again(project: Project, commit: str) -> None:
    """Have both names of the commit reported, whatever was done or not: the forge may have begun to wait for another report
    when it was asked for.
    """
    forget(project, commit)
    outbox.instruct(Instruction.REPORT, project=project.pk, commit=commit)
    outbox.instruct(Instruction.REPORT, project=project.pk, preview_of=commit)


def _rerun(project: Project, body: Mapping[str, str], by: Actor, at: datetime) -> None:
    commit = body["commit"]
    newest = inspections(Evaluation.objects.filter(project=project, commit=commit)).order_by("-id").first()
    if newest is None or newest.created_at > at:
        return
    evaluation = policies.evaluate(
        project,
        commit=commit,
        ref=newest.ref,
        event=EventKind.MANUAL,
        pull_request=newest.pull_request,
        base_commit=newest.base_commit,
    )
    if evaluation is not None:
        audit.record(
            "evaluation.request",
            f"evaluation/{evaluation.pk}",
            by=by,
            workspace=project.workspace_id,
            details={"commit": commit},
        )


def _rebuild(project: Project, body: Mapping[str, str], by: Actor, at: datetime) -> None:
    for newest in _newest(project, body, at):
        previews.rebuild(newest.environment, by)


def _stop(project: Project, body: Mapping[str, str], by: Actor, at: datetime) -> None:
    for newest in _newest(project, body, at):
        previews.stop(newest.environment, by)


def _newest(project: Project, body: Mapping[str, str], at: datetime) -> list[Deployment]:
    """The newest deployment, by each recipe that is meant, of the pull request whose head the commit is, unless it was begun
    after `at`; at an older commit, nothing can be asked for."""
    rows = Deployment.objects.filter(
        environment__project=project, environment__pull_request__head_sha=body["commit"]
    )
    meant = [body["recipe"]] if "recipe" in body else recipes(project)
    found = (rows.filter(environment__recipe=one).order_by("-id") for one in meant)
    newest = (one.select_related("environment__project").first() for one in found)
    return [one for one in newest if one is not None and one.created_at <= at]


ACTS: Mapping[CheckOrder, Callable[[Project, Mapping[str, str], Actor, datetime], None]] = {
    CheckOrder.RERUN: _rerun,
    CheckOrder.REBUILD: _rebuild,
    CheckOrder.STOP: _stop,
}
