"""Notices come to be in the transaction of what they tell: each thing is told once, whatever dies meanwhile."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from seatrial.control.accounts.models import Workspace
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.glass.words import why_it_passes
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.notices.models import Notice, NoticeKind, Subscription
from seatrial.control.projects.models import Project

MOST_BROKEN = 50  # told in one notice


def evaluation_finished(evaluation: Evaluation) -> None:
    """Call it in the transaction that ends the evaluation."""
    project = evaluation.project
    said = {
        "id": evaluation.pk,
        "commit": evaluation.commit,
        "ref": evaluation.ref,
        "event": evaluation.event,
        "state": evaluation.state,
        "glass": why_it_passes(evaluation),
        "score": evaluation.score,
        "waived": evaluation.waived,
        "page_url": f"{settings.SITE_URL}/evaluations/{evaluation.pk}",
    }
    _announce(project, NoticeKind.EVALUATION_FINISHED, {"evaluation": said})


def score_fell(project: Project, *, before: float, now: float) -> None:
    """Call it in the transaction that stores the score."""
    _announce(project, NoticeKind.SCORE_FELL, {"score": {"before": before, "now": now}})


def policies_broken(project: Project, *, commit: str, files: list[dict[str, Any]]) -> None:
    """Call it in the transaction that takes the commit; `files` are those with something wrong, as a policy source has them."""
    wrong = [{"path": one["path"], **line} for one in files for line in one["broken"]]
    said = {"commit": commit, "broken": wrong[:MOST_BROKEN], "page_url": f"{settings.SITE_URL}/policies/git"}
    _announce(project, NoticeKind.POLICIES_BROKEN, {"policies": said})


def digest_made(workspace: Workspace, key: str, body: dict[str, Any]) -> None:
    """Call it in the transaction that makes the digest."""
    page = f"{settings.SITE_URL}/digests/{key}"
    said = {"workspace": _named(workspace), "digest": {"id": key, "page_url": page, **body}}
    for row in _subscribed(workspace.pk, NoticeKind.WEEKLY_DIGEST):
        _tell(row, NoticeKind.WEEKLY_DIGEST, said)


def try_address(row: Subscription) -> Notice:
    """Tell one address that this is a test."""
    return _tell(row, NoticeKind.TEST, {"workspace": _named(row.workspace)})


def _announce(project: Project, kind: NoticeKind, said: dict[str, Any]) -> None:
    about = {"id": project.pk, "name": project.name, "page_url": f"{settings.SITE_URL}/projects/{project.pk}"}
    for row in _subscribed(project.workspace_id, kind):
        _tell(row, kind, {"project": about, **said})


def _named(workspace: Workspace) -> dict[str, str]:
    return {"slug": workspace.slug, "name": workspace.name}


def _subscribed(workspace: str, kind: NoticeKind) -> QuerySet[Subscription]:
    return Subscription.objects.filter(workspace=workspace, kinds__contains=[kind])


def _tell(row: Subscription, kind: NoticeKind, said: dict[str, Any]) -> Notice:
    made = Notice.objects.create(subscription=row, kind=kind, body={"type": kind, **said})
    outbox.instruct(Instruction.NOTICE, notice=made.pk)
    return made
