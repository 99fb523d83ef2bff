"""Why an evaluation is not green, and what would fix it: what a coding assistant needs to take a pull request to green."""

import shlex
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Schema

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.inputs import InvalidInput
from seatrial.control.policies.answers import EvaluationListed, FindingAnswer, listed
from seatrial.control.policies.findings import findings_of
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.waits import wait
from seatrial.control.policies.weighing import AGAINST
from seatrial.wire.evaluations import Finding
from seatrial.wire.states import EvaluationState, Level, ResultState
from seatrial.wire.visible import visible

USUAL, MOST = 50, 200
AROUND = 5  # lines before and after a finding
APPLY = "git apply --unidiff-zero"

EvaluationId = Annotated[str, Path(description="Id of an evaluation.")]
OfPolicy = Annotated[
    str, Query(description="Only what the policy with this slug says; empty: all that is not green.")
]
Most = Annotated[int, Query(description=f"How many findings at most, from 1 to {MOST}.")]
Cursor = Annotated[str, Query(description="Where to go on: `next_cursor` of the answer before.")]


class Line(Schema):
    """What one policy said, in a line."""

    policy: str = Field(description="The policy's slug.")
    state: str = Field(description="passed, failed, errored, timed_out, skipped or waived.")
    level: str = Field(
        description="draft, advisory, soft or hard: only a failure of the last two fails the check."
    )
    score: float | None = Field(description="0 to 100; null where it has none.")
    findings: int = Field(description="How many it has.")
    message: str = Field(description="What the policy says, for people.")


class Verdict(EvaluationListed):
    """One evaluation, in short."""

    done: bool = Field(description="Whether it has ended. Until then, ask again every few seconds.")
    waits_for: str = Field(description="What has to happen next, for people; empty when nothing has to.")
    results: list[Line] = Field(description="What each policy said, by slug; all at once, when it has ended.")


class ExplainedFinding(FindingAnswer):
    """One thing that a policy found, and how to look at it and mend it."""

    known: bool = Field(
        description="Whether it was there before the policy counted only new ones: it fails nothing."
    )
    read_with: str = Field(
        description="The command that shows the lines around it in a clone; empty if it is about no line."
    )
    apply_with: str = Field(
        description="The command that applies `fix`, given to it as input; empty without a fix."
    )


class Explained(Schema):
    """One policy that is not green."""

    policy: str = Field(description="The policy's slug.")
    name: str = Field(description="Its name, for people.")
    state: str = Field(
        description="failed, errored (the policy broke: your change need not be wrong) or timed_out."
    )
    level: str = Field(description="draft or advisory: it fails no check; soft or hard: it does.")
    why: str = Field(description="What the policy demands and why, in its author's words.")
    message: str = Field(description="What it says of this commit.")
    findings: list[ExplainedFinding] = Field(description="What it found, as far as this page goes.")
    findings_in_all: int = Field(
        description="How many it found, with those that are on other pages or not kept."
    )
    waiver: str = Field(description="What would waive it, and who decides that; or why nothing does.")


class Explanation(Schema):
    """What keeps an evaluation from being green."""

    evaluation: str = Field(description="Id of the evaluation.")
    project: str = Field(description="Id of the project.")
    number: int | None = Field(description="Number of the pull request; null: it is of none.")
    commit: str = Field(description="The commit that all of this is about.")
    state: str = Field(description="queued, running, passed, failed, errored, timed_out or superseded.")
    message: str = Field(description="Why there is no verdict, or not yet, for people; empty otherwise.")
    policies: list[Explained] = Field(description="What is not green: first what fails the check.")
    next_steps: list[str] = Field(description="What to do, in order.")
    next_cursor: str = Field(description="Pass it as `cursor` for more findings; empty at the end.")


def get_evaluation(request: HttpRequest, evaluation_id: EvaluationId) -> Verdict:
    """One evaluation, in short."""
    row = find_visible(person(request), Evaluation, evaluation_id, "pull_request")
    return Verdict(
        **listed(row).dict(),
        done=EvaluationState(row.state).terminal,
        waits_for=(wait(row) or ("",))[0],
        results=[_line(one) for one in _results(row)],
    )


def explain_failure(
    request: HttpRequest,
    evaluation_id: EvaluationId,
    policy: OfPolicy = "",
    limit: Most = USUAL,
    cursor: Cursor = "",
) -> Explanation:
    """What keeps an evaluation from being green, and what would fix it."""
    row = find_visible(person(request), Evaluation, evaluation_id, "pull_request", "project__workspace")
    red = sorted((one for one in _results(row) if one.state in AGAINST), key=lambda one: not one.level.gates)
    asked = [one for one in red if policy in ("", one.version.policy.slug)]
    start, limit = _place(cursor), max(1, min(limit, MOST))
    return Explanation(
        evaluation=row.pk,
        project=row.project_id,
        number=row.pull_request.number if row.pull_request else None,
        commit=row.commit,
        state=row.state,
        message=row.shown_message,
        policies=_page(row, asked, start, start + limit),
        next_steps=_next_steps(row, red),
        next_cursor=str(start + limit) if sum(len(one.findings) for one in asked) > start + limit else "",
    )


def _results(row: Evaluation) -> list[Result]:
    rows = row.results.select_related("version__policy", "evaluation").order_by("version__policy__slug")
    return list(rows)


def _line(one: Result) -> Line:
    found = len(one.findings) + one.findings_left_out
    return Line(
        policy=one.version.policy.slug,
        state=one.state,
        level=one.level,
        score=one.score,
        findings=found,
        message=one.message,
    )


def _place(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 9):
        raise InvalidInput(
            "cursor: not one of this tool. Pass the next_cursor of its answer before, or nothing."
        )
    return int(cursor or 0)


def _page(row: Evaluation, asked: list[Result], start: int, end: int) -> list[Explained]:
    """All of `asked` on the first page, with their findings from `start` to `end`, counted through; later, those with any."""
    explained, before = [], 0
    for one in asked:
        found = findings_of(one)
        here = found[max(0, start - before) : max(0, end - before)]
        before += len(found)
        if here or not start:
            explained.append(_explained(row, one, here))
    return explained


def _explained(row: Evaluation, one: Result, found: list[Finding]) -> Explained:
    return Explained(
        policy=one.version.policy.slug,
        name=one.version.policy.name,
        state=one.state,
        level=one.level,
        why=one.version.description,
        message=one.message,
        findings=[_finding(row.commit, each, known=each.fingerprint in one.known) for each in found],
        findings_in_all=len(one.findings) + one.findings_left_out,
        waiver=_waiver(row, one),
    )


def _finding(commit: str, found: Finding, *, known: bool) -> ExplainedFinding:
    return ExplainedFinding(
        **found.model_dump(mode="json"),
        known=known,
        read_with=_read_with(commit, found),
        apply_with=APPLY if found.fix else "",
    )


def _read_with(commit: str, found: Finding) -> str:
    """An excerpt is short, and not of every finding: whoever mends it has a clone. A name that a shell or a reader could take wrong is left out."""
    if not found.path or not found.line or visible(found.path) != found.path:
        return ""
    lines = f"{max(1, found.line - AROUND)},{found.line + AROUND}p"
    return f"git show {shlex.quote(f'{commit}:{found.path}')} | sed -n {lines}"


def _waiver(row: Evaluation, one: Result) -> str:
    if not one.level.gates:
        return "Not needed: it fails no check."
    if one.state != ResultState.FAILED:
        return "Nothing: a policy that broke is not waived. Run the evaluation again."
    if one.level == Level.HARD:
        return "Nothing: its level is hard."
    return (
        f"request_waiver for the project, with a reason: for all that {one.version.policy.slug} finds, for a path, or for one finding by its "
        f"fingerprint. An admin or owner of {row.project.workspace.slug} who did not ask for it approves it."
    )


def _next_steps(row: Evaluation, red: list[Result]) -> list[str]:
    state = EvaluationState(row.state)
    if not state.terminal:
        return ["It has not ended: ask get_evaluation again in a few seconds."]
    if state is EvaluationState.SUPERSEDED:
        return ["A newer commit took its place: list_evaluations with `current` has that one's evaluation."]
    if state is EvaluationState.PASSED:
        return ["Nothing: it is green."]
    steps = []
    gating = [one for one in red if one.level.gates]
    if any(each["fix"] for one in gating for each in one.findings):
        steps.append(
            f"Apply each fix in a clone of {row.commit}: its text is the input of `{APPLY}`. Read it first."
        )
    if any(one.state == ResultState.FAILED for one in gating):
        steps.append(
            "Mend what has no fix at the line that is named, then commit and push to the pull request's branch."
        )
        steps.append(
            "A push is evaluated by itself: list_evaluations with `current`, then get_evaluation until it is done."
        )
    if not gating or any(one.state != ResultState.FAILED for one in gating):
        steps.append("Something broke that is not your change: run_evaluation_again, or tell a person.")
    return steps
