"""Tells forges what is new, and nothing twice."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from django.utils import timezone

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.models import PostedReport, Told
from seatrial.control.forges.protocol import DeploymentReport, EvaluationReport, Forge, PreviewReport, Subject
from seatrial.control.projects.models import Project

TOLD = {
    Subject.COMMIT: Told.VERDICT,
    Subject.PREVIEW: Told.FLOATS,
    Subject.POLICIES: Told.REVIEW,
}
Report = TypeVar("Report", EvaluationReport, PreviewReport, DeploymentReport)


def tell_evaluation(forge: Forge, project: Project, report: EvaluationReport) -> None:
    """Report a verdict on a commit, unless it is what the forge was told last. See `_tell`."""
    _tell(
        project,
        TOLD[report.subject],
        report.commit,
        report,
        lambda unsure: forge.report_evaluation(project, replace(report, unsure=unsure)),
        unfinished=not report.state.terminal,
    )


def tell_preview(forge: Forge, project: Project, report: PreviewReport) -> None:
    """Report what a commit says about its preview, unless it is what the forge was told last. See `_tell`."""
    _tell(
        project,
        Told.PREVIEW,
        report.commit,
        report,
        lambda unsure: forge.report_preview(project, replace(report, unsure=unsure)),
        unfinished=not report.state.terminal,
        recipe=report.recipe,
    )


def tell_deployment(forge: Forge, project: Project, report: DeploymentReport) -> None:
    """Have a preview listed as it is, unless that is what the forge was told last. See `_tell`.

    Forges list deployments, so they are always looked for before one is made.
    """
    _tell(
        project,
        Told.DEPLOYMENT,
        str(report.number),
        report,
        lambda _: forge.report_deployment(project, report),
        unfinished=not report.ended,
        recipe=report.recipe,
    )


def unfinished(project: Project, what: Told) -> list[str]:
    """About what the forge was told something that promises more, or may have been."""
    rows = PostedReport.objects.filter(project=project, what=what, unfinished=True)
    return list(dict.fromkeys(rows.values_list("about", flat=True)))


def begun(project: Project, what: Told, about: str) -> set[str]:
    """The recipes of whose previews the forge was told something about it that promises more, or may have been."""
    rows = PostedReport.objects.filter(project=project, what=what, about=about, unfinished=True)
    return set(rows.values_list("recipe", flat=True))


def forget(project: Project, commit: str) -> None:
    """Have the next reports on `commit` sent whatever they say: the forge no longer shows what it was told.

    It may wait for another one, so one is promised.
    """
    names = [Told.VERDICT, Told.FLOATS, Told.PREVIEW]
    told = PostedReport.objects.filter(project=project, what__in=names, about=commit)
    told.update(digest="", unfinished=True)


def _tell(
    project: Project,
    what: Told,
    about: str,
    report: Report,
    send: Callable[[bool], None],
    *,
    unfinished: bool = False,
    recipe: str = "",
) -> None:
    """Call `send`, unless the same was sent last. Raises what `send` raises.

    A lane has one report about a thing in flight. It is noted before it is sent, and confirmed after it. So when a process
    is killed between the two, or the forge's answer is lost, `send` is called again, and told to be unsure: it looks at the
    forge before it says anything twice.
    """
    where = (project.connection.base_url, project.external_id)
    digest = hashlib.sha256(repr((where, report)).encode()).hexdigest()
    key: dict[str, Any] = {"project": project, "what": what, "about": about, "recipe": recipe}
    rows = PostedReport.objects.filter(**key)
    note = rows.first()
    if note is not None and note.digest == digest and not note.sending:
        return
    unsure, promised = (note.sending, note.unfinished) if note is not None else (False, False)
    _note(key, sending=True, unfinished=unfinished or promised)
    try:
        send(unsure)
    except ForgeError as error:
        if not error.heard:
            rows.update(sending=unsure, unfinished=promised)
        raise
    _note(key, sending=False, unfinished=unfinished, digest=digest)


def _note(key: Mapping[str, Any], **values: object) -> None:
    PostedReport.objects.update_or_create(**key, defaults={**values, "posted_at": timezone.now()})
