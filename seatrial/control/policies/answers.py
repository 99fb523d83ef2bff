"""Evaluations as programs see them."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from ninja import Field, Schema

from seatrial.control.policies.findings import findings_of
from seatrial.control.policies.glass.words import why_it_passes
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.waits import wait
from seatrial.control.policies.waivers.words import why_waived
from seatrial.wire.states import ResultState


class ExcerptAnswer(Schema):
    """Lines of a file, as they are at the commit."""

    first: int = Field(description="The number of the first of them.")
    lines: list[str] = Field(description="The lines, each up to 160 characters.")


class FindingAnswer(Schema):
    """One thing that a policy found."""

    path: str = Field(description="The file that it is in; empty if it is about no file.")
    line: int | None = Field(description="Its line, from 1, as git counts; null if it is about no line.")
    message: str = Field(description="What is wrong there, for people.")
    severity: str = Field(description="info, low, medium, high or critical.")
    fingerprint: str = Field(description="The same for the same finding at every commit.")
    fix: str = Field(description="A unified diff that mends it; empty if the policy knows none.")
    excerpt: ExcerptAnswer | None = Field(
        description="The lines around it; null without a line, where it may not be quoted, and after the first 20 findings."
    )


class ToolAnswer(Schema):
    """A tool that a policy had a fact of."""

    tool: str = Field(description="The tool's name.")
    version: str = Field(description="Its version.")
    files: int = Field(description="How many files of the commit it read.")
    left_out: int = Field(description="How many that concern it it did not read.")
    findings: int = Field(description="How many things it found; what they are worth is the policy's to say.")
    seconds: float = Field(description="How long it took, once for all policies.")


class ResultAnswer(Schema):
    """What one policy said."""

    policy: str = Field(description="The policy's slug.")
    name: str = Field(description="The policy's name, for people.")
    state: str = Field(description="passed, failed, errored, timed_out, skipped or waived.")
    level: str = Field(
        description="advisory: it fails no check; soft: it does, unless waived; hard: it does, and nothing waives it."
    )
    begins: datetime | None = Field(
        description="When its policy begins to gate, if it is advisory here only because the pull request is older; else null."
    )
    score: float | None = Field(description="0 to 100; null where it has none.")
    message: str = Field(description="What the policy says, for people.")
    waived: str = Field(
        description="By whom it is waived, until when and why, for people; empty if it is not waived."
    )
    waivers: list[str] = Field(description="Ids of the waivers that waive it; empty if it is not waived.")
    details: dict[str, Any] = Field(description="What the policy adds, for programs.")
    findings: list[FindingAnswer] = Field(description="What it found, one by one, in its order.")
    known: list[str] = Field(
        description="Fingerprints of those findings that are known: there before the policy counted only new ones."
    )
    findings_left_out: int = Field(description="How many more it found than are listed.")
    logs: list[dict[str, Any]] = Field(description="What the policy logged, in order.")
    seconds: float = Field(description="How long it ran.")
    memoised: bool = Field(description="Whether it is remembered from an earlier run.")
    network: str = Field(description="The network that it ran with, by its name; empty if it had none.")
    tools: list[ToolAnswer] = Field(description="The tools that it had facts of, by name.")


class EvaluationAnswer(Schema):
    """All policies on one commit. `state` is the verdict once the evaluation has ended; until then, `waits_for` says
    for people what has to happen next.
    """

    id: str = Field(description="Its id.")
    commit: str = Field(description="The commit it is about.")
    event: str = Field(
        description="push, pull_request, tag, merge_queue, manual, or preview: live policies look at the running preview."
    )
    deployment: str = Field(
        description="Id of the deployment of the preview that live policies look at; empty otherwise."
    )
    state: str = Field(description="queued, running, passed, failed, errored, timed_out or superseded.")
    score: float | None = Field(description="0 to 100, the mean of its results; null where none has one.")
    waived: int = Field(description="How many of its results are waived: they neither passed nor fail it.")
    glass: str = Field(
        description="Who lets it pass in an emergency, until when, why, and what it is without that, for people; empty otherwise."
    )
    remarks: int = Field(
        description="How many of its results would fail it, were their policies not advisory."
    )
    message: str = Field(description="Why there is no verdict, or not yet, for people; empty otherwise.")
    isolation: str = Field(
        description="What its policies ran in: runsc, runc or process; empty until it is known."
    )
    python: str = Field(
        description="The version of Python that its policies ran with, such as 3.13.5; empty until it is known."
    )
    page_url: str = Field(description="Its page on this server.")
    seconds: float | None = Field(description="From the queue to the verdict; null until then.")
    waits_for: str = Field(description="What has to happen next, for people; empty when nothing has to.")
    waiting_since: datetime | None = Field(description="Since when; null when it waits for nothing.")
    results: list[ResultAnswer] = Field(description="What each policy said, by the policy's slug.")


class EvaluationListed(Schema):
    """One evaluation in a list, without what each policy said."""

    id: str = Field(description="Its id.")
    project: str = Field(description="Id of its project.")
    number: int | None = Field(description="Number of its pull request at its forge; null: it is of none.")
    commit: str = Field(description="The commit it is about.")
    ref: str = Field(description="What it was evaluated as, such as refs/heads/main.")
    event: str = Field(description="What led to it, such as pull_request or push.")
    state: str = Field(description="queued, running, passed, failed, errored, timed_out or superseded.")
    score: float | None = Field(description="0 to 100, the mean of its results; null where none has one.")
    waived: int = Field(description="How many of its results are waived.")
    remarks: int = Field(description="How many would fail it, were their policies not advisory.")
    message: str = Field(description="Why there is no verdict, or not yet, for people; empty otherwise.")
    created_at: datetime = Field(description="When it was made.")
    page_url: str = Field(description="Its page on this server.")


def listed(row: Evaluation) -> EvaluationListed:
    """The evaluation in a list; its `pull_request` should have been read."""
    return EvaluationListed(
        id=row.pk,
        project=row.project_id,
        number=row.pull_request.number if row.pull_request else None,
        commit=row.commit,
        ref=row.ref,
        event=row.event,
        state=row.state,
        score=row.score,
        waived=row.waived,
        remarks=row.remarks,
        message=row.shown_message,
        created_at=row.created_at,
        page_url=page_url(row),
    )


def answers(evaluations: QuerySet[Evaluation]) -> list[EvaluationAnswer]:
    """The answers for `evaluations`, in their order; results are sorted by the name of their policy."""
    results = Result.objects.select_related("version__policy").prefetch_related("waivers")
    results = results.order_by("version__policy__slug")
    return [
        _answer(row)
        for row in evaluations.select_related("glass").prefetch_related(Prefetch("results", results))
    ]


def page_url(evaluation: Evaluation) -> str:
    """The evaluation's page."""
    return f"{settings.SITE_URL}/evaluations/{evaluation.pk}"


def _answer(evaluation: Evaluation) -> EvaluationAnswer:
    what, since = wait(evaluation) or ("", None)
    return EvaluationAnswer(
        id=evaluation.pk,
        commit=evaluation.commit,
        event=evaluation.event,
        deployment=evaluation.deployment,
        state=evaluation.state,
        score=evaluation.score,
        waived=evaluation.waived,
        glass=why_it_passes(evaluation),
        remarks=evaluation.remarks,
        message=evaluation.shown_message,
        isolation=evaluation.isolation,
        python=evaluation.python,
        page_url=page_url(evaluation),
        seconds=evaluation.seconds,
        waits_for=what,
        waiting_since=since,
        results=[_result(row) for row in evaluation.results.all()],
    )


def _result(row: Result) -> ResultAnswer:
    return ResultAnswer(
        policy=row.version.policy.slug,
        name=row.version.policy.name,
        state=row.state,
        level=row.level,
        begins=row.begins,
        score=row.score,
        message=row.message,
        waived=why_waived(row),
        waivers=sorted(one.pk for one in row.waivers.all()) if row.state == ResultState.WAIVED else [],
        details=row.details,
        findings=[FindingAnswer(**one.model_dump(mode="json")) for one in findings_of(row)],
        known=row.known,
        findings_left_out=row.findings_left_out,
        logs=row.logs,
        seconds=row.seconds,
        memoised=row.memoised,
        network=row.network,
        tools=[ToolAnswer(**one) for one in row.tools],
    )
