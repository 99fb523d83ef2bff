"""Tells code hosts what a pull request would make of policies."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Told
from seatrial.control.forges.protocol import Annotation, EvaluationReport, Subject
from seatrial.control.forges.telling import tell_evaluation, unfinished
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.markdown import code, plain
from seatrial.control.policies.source.models import SourceReview
from seatrial.control.projects.models import Project
from seatrial.wire.counted import counted
from seatrial.wire.states import EvaluationState
from seatrial.wire.visible import visible_text

MOST_LINES = 200  # of each kind, in the summary


def report_review(forges: Forges, key: str) -> None:
    """Report how the review is. Raises ForgeError."""
    row = SourceReview.objects.select_related("pull_request__project__connection").filter(pk=key).first()
    if row is None or row.pull_request.project.gone:
        return
    project = row.pull_request.project
    tell_evaluation(
        forges.of(project.connection),
        project,
        EvaluationReport(
            commit=row.commit,
            state=EvaluationState(row.state),
            description=described(row),
            page_url=page_url(row),
            summary="\n".join(_summary(row)),
            annotations=_annotations(row),
            number=row.pull_request.number,
            identity=row.pk,
            subject=Subject.POLICIES,
        ),
    )


def report_queued(forges: Forges, project: Project, commit: str) -> None:
    """In a merge queue, nothing is reviewed anew: each of its pull requests was. The name may be required, so it is told. Raises
    ForgeError."""
    if project.gone or not project.policy_sources.exists():
        return
    report = EvaluationReport(
        commit=commit,
        state=EvaluationState.PASSED,
        description="Reviewed with its pull requests",
        page_url=f"{settings.SITE_URL}/projects/{project.pk}",
        subject=Subject.POLICIES,
    )
    tell_evaluation(forges.of(project.connection), project, report)


def report_reviews(project: Project) -> None:
    """Have those reported of which the forge heard something that promises more, in the caller's transaction."""
    commits = unfinished(project, Told.REVIEW)
    rows = SourceReview.objects.filter(pull_request__project=project, commit__in=commits)
    for key in rows.values_list("pk", flat=True):
        outbox.instruct(Instruction.REPORT, review=key)


def page_url(row: SourceReview) -> str:
    """Its page."""
    return f"{settings.SITE_URL}/policies/git/reviews/{row.pk}"


def described(row: SourceReview) -> str:
    """The review in a line, for people."""
    if row.state in (EvaluationState.QUEUED, EvaluationState.RUNNING):
        return "The policies are read" if row.state == EvaluationState.QUEUED else "The tests run"
    parts = [counted(len(row.broken), "broken file")] if row.broken else []
    if row.failures:
        parts.append(counted(len(row.failures), "failed test"))
    for change in ("new", "changed", "gone", "released"):
        number = sum(one["change"] == change for one in row.changes)
        if number:
            parts.append(f"{number} {change}")
    said = ", ".join(parts) or "no policy changes"
    return f"{said}. {row.problem}" if row.problem else said


def _summary(row: SourceReview) -> Iterator[str]:
    yield f"**Policies: {row.state}** ({code(row.commit[:10])}) · [details]({page_url(row)})"
    yield ""
    yield plain(described(row), most=1000)
    yield ""
    for one in row.changes[:MOST_LINES]:
        yield f"- {one['change']}: {code(one['policy'])} in {code(one['path'])}"
    for file in row.broken[:MOST_LINES]:
        for wrong in file["broken"]:
            yield f"- broken: {code(_place(file, wrong))} {plain(wrong['text'])}"
    for one in row.failures[:MOST_LINES]:
        yield f"- failed: {code(one['policy'])}, {plain(one['test'])}: {plain(one['text'])}"


def _annotations(row: SourceReview) -> list[Annotation]:
    broken = [
        _annotation(file["path"], wrong["line"], "broken", wrong["text"])
        for file in row.broken
        for wrong in file["broken"]
    ]
    failed = [
        _annotation(one["path"], one["line"], one["policy"], f"{one['test']}: {one['text']}")
        for one in row.failures
    ]
    return broken + failed


def _annotation(path: str, line: int, title: str, text: str) -> Annotation:
    return Annotation(path=path, line=max(1, line), title=title, message=visible_text(text), failed=True)


def _place(file: dict[str, Any], wrong: dict[str, Any]) -> str:
    return f"{file['path']}:{wrong['line']}" if wrong["line"] else str(file["path"])
