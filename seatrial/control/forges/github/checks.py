"""Check runs: GitHub's words for our states, and the buttons below them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seatrial.control.forges.github.statuses import NAMES, PREVIEW
from seatrial.control.forges.protocol import Annotation, EvaluationReport, PreviewReport, Subject
from seatrial.control.projects.events import CheckOrder
from seatrial.wire.states import DeploymentState, EvaluationState

MAX_TITLE, MAX_SUMMARY, MAX_MESSAGE = 255, 65_000, 60_000


class Status(StrEnum):
    """How far a check run is. One that is completed has a conclusion."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Conclusion(StrEnum):
    """How a check run ended. Branch protection is content with success, neutral and skipped."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True)
class Button:
    """At most 20, 40 and 20 characters; a check run has three at most."""

    label: str
    description: str
    identifier: CheckOrder


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """A check run as it is to be. One with the same `name`, `commit` and `identity` is changed, not made again."""

    name: str
    commit: str
    identity: str
    status: Status
    conclusion: Conclusion | None
    details_url: str
    title: str
    summary: str
    annotations: Sequence[Annotation] = ()
    buttons: Sequence[Button] = ()


BUTTONS: Mapping[CheckOrder, Button] = {
    CheckOrder.RERUN: Button("Re-run", "Run the policies again", CheckOrder.RERUN),
    CheckOrder.REBUILD: Button("Rebuild", "Build the preview again, without caches", CheckOrder.REBUILD),
    CheckOrder.STOP: Button("Stop", "Stop the preview until the next commit", CheckOrder.STOP),
}

# What a newer commit replaced, and what somebody stopped, must not block anybody.
Outcome = tuple[Status, Conclusion | None]
WAITING: Outcome = (Status.QUEUED, None)
WORKING: Outcome = (Status.IN_PROGRESS, None)
EVALUATIONS: Mapping[EvaluationState, Outcome] = {
    EvaluationState.QUEUED: WAITING,
    EvaluationState.RUNNING: WORKING,
    EvaluationState.PASSED: (Status.COMPLETED, Conclusion.SUCCESS),
    EvaluationState.FAILED: (Status.COMPLETED, Conclusion.FAILURE),
    EvaluationState.ERRORED: (Status.COMPLETED, Conclusion.FAILURE),
    EvaluationState.TIMED_OUT: (Status.COMPLETED, Conclusion.TIMED_OUT),
    EvaluationState.SUPERSEDED: (Status.COMPLETED, Conclusion.NEUTRAL),
}
DEPLOYMENTS: Mapping[DeploymentState, Outcome] = {
    DeploymentState.QUEUED: WAITING,
    DeploymentState.BUILDING: WORKING,
    DeploymentState.STARTING: WORKING,
    DeploymentState.LIVE: (Status.COMPLETED, Conclusion.SUCCESS),
    DeploymentState.FAILED: (Status.COMPLETED, Conclusion.FAILURE),
    DeploymentState.SUPERSEDED: (Status.COMPLETED, Conclusion.NEUTRAL),
    DeploymentState.CANCELLED: (Status.COMPLETED, Conclusion.NEUTRAL),
}


def of_evaluation(report: EvaluationReport) -> CheckRun:
    """The check run of a verdict. Every evaluation has one of its own, because annotations cannot be removed."""
    status, conclusion = EVALUATIONS[report.state]
    name = NAMES[report.subject]
    again = conclusion is not None and report.subject is Subject.COMMIT
    rerun = [BUTTONS[CheckOrder.RERUN]] if again else []
    return CheckRun(
        name=name,
        commit=report.commit,
        identity=report.identity or name,
        status=status,
        conclusion=conclusion,
        details_url=report.page_url,
        title=_line(report.description),
        summary=_short(report.summary or report.description, MAX_SUMMARY),
        annotations=report.annotations if conclusion is not None else (),
        buttons=rerun,
    )


def of_preview(report: PreviewReport) -> CheckRun:
    """The check run of a preview. It leads to the preview once that is live."""
    status, conclusion = DEPLOYMENTS[report.state]
    lines = [report.description, *(f"- {name}: {url}" for name, url in report.urls.items())]
    return CheckRun(
        name=report.named(PREVIEW),
        commit=report.commit,
        identity=report.named(PREVIEW),
        status=status,
        conclusion=conclusion,
        details_url=next(iter(report.urls.values()), report.page_url),
        title=_line(report.description),
        summary=_short("\n".join([*lines, "", f"[Details]({report.page_url})"]), MAX_SUMMARY),
        buttons=[BUTTONS[order] for order in report.orders] if conclusion is not None else [],
    )


def body(run: CheckRun, annotations: Sequence[Annotation]) -> dict[str, object]:
    """What is sent to make `run`, or to change it, with some of its annotations, which GitHub adds to those it has."""
    sent: dict[str, object] = {
        "name": run.name,
        "external_id": run.identity,
        "details_url": run.details_url,
        "status": run.status,
        "output": output(run, annotations),
        "actions": [
            {"label": one.label, "description": one.description, "identifier": one.identifier}
            for one in run.buttons
        ],
    }
    if run.conclusion is not None:
        sent["conclusion"] = run.conclusion
    return sent


def output(run: CheckRun, annotations: Sequence[Annotation]) -> dict[str, object]:
    """Title, summary and some annotations."""
    shown: dict[str, object] = {"title": run.title, "summary": run.summary}
    if annotations:
        shown["annotations"] = [_annotation(one) for one in annotations]
    return shown


def _annotation(one: Annotation) -> dict[str, object]:
    return {
        "path": one.path,
        "start_line": one.line,
        "end_line": one.line,
        "annotation_level": "failure" if one.failed else "warning",
        "title": _line(one.title),
        "message": _short(one.message or one.title, MAX_MESSAGE),
    }


def _line(text: str) -> str:
    return _short(" ".join(text.split()), MAX_TITLE)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
