"""Handles what agents report about evaluations. One that ended never changes; every report may come twice or late."""

from django.db import transaction
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.deciding import decide
from seatrial.control.policies.glass.force import settle
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.notices.announcing import evaluation_finished
from seatrial.control.policies.rescans.ending import evaluation_ended
from seatrial.control.policies.rollout.demotion import demote_erring
from seatrial.control.policies.rollout.ratchet import shrink
from seatrial.control.policies.turns import give_turn
from seatrial.wire.evaluations import EvaluationFinished, EvaluationStarted, PolicyResult
from seatrial.wire.findings import moved
from seatrial.wire.states import EvaluationState, ResultState

MOST_TOOLS = 20  # of one result
JUDGED = {ResultState.PASSED, ResultState.FAILED}
NOTHING_RAN = "No policy could run: see the results."
UNNETWORKED = (
    "asks for the network, and the agent that ran it gave it none and did not say so: its release is older than this server's. Its "
    "operator upgrades the agent."
)


@transaction.atomic
def started(agent_id: str, event: EvaluationStarted) -> None:
    """An agent took the evaluation. If it is taken again after a crash, its time starts again."""
    evaluation = _in_progress(event.evaluation)
    if evaluation is None:
        return
    evaluation.state = EvaluationState.RUNNING
    evaluation.agent = agent_id
    evaluation.started_at = timezone.now()
    evaluation.save(update_fields=["state", "agent", "started_at"])


@transaction.atomic
def finished(agent_id: str, event: EvaluationFinished) -> None:
    """An agent reported all results.

    It is believed about each policy that was asked for and about nothing else, and it cannot waive.

    Only the agent that took the evaluation last is believed. Results of other versions are dropped, and missing results
    become errored. Verdict and score are computed here.
    """
    evaluation = _in_progress(event.evaluation)
    if evaluation is None or evaluation.agent not in {"", agent_id}:
        return
    evaluation.agent = agent_id
    evaluation.isolation = event.isolation or ""
    evaluation.seconds = max(0.0, event.seconds)
    evaluation.facts_digest, evaluation.program_digest = event.facts[:64], event.program[:64]
    evaluation.python = event.python[:40]
    evaluation.message = event.message
    if event.results or not event.message:
        _store(evaluation, event.results)
        _conclude(evaluation)
        demote_erring(evaluation)
        shrink(evaluation)
    else:  # it failed as a whole: checkout, no sandbox
        possible = {EvaluationState.TIMED_OUT, EvaluationState.ERRORED}
        _conclude(evaluation, event.state if event.state in possible else EvaluationState.ERRORED)


@transaction.atomic
def give_up(evaluation_id: str, reason: str) -> None:
    """End the evaluation as errored, because no agent will finish it."""
    evaluation = _in_progress(evaluation_id)
    if evaluation is not None:
        lost(evaluation, reason)


def lost(evaluation: Evaluation, reason: str) -> None:
    """End `evaluation` as errored. The caller has locked its row, or has just made it."""
    evaluation.message = reason
    _conclude(evaluation, EvaluationState.ERRORED)


def nothing_applies(evaluation: Evaluation) -> None:
    """End `evaluation`, which the caller has just made, as passed: no policy applies, and somebody waits for a verdict."""
    evaluation.message = "No policy applies."
    _conclude(evaluation, EvaluationState.PASSED)


def passed_over(evaluation: Evaluation, reason: str) -> None:
    """End `evaluation`, whose row the caller has locked, by the results that it has; `reason`: why there are no others."""
    evaluation.message = reason
    _conclude(evaluation)


def _in_progress(evaluation_id: str) -> Evaluation | None:
    evaluation = Evaluation.objects.select_for_update().filter(pk=evaluation_id).first()
    if evaluation is None or EvaluationState(evaluation.state).terminal:
        return None
    return evaluation


def _store(evaluation: Evaluation, results: list[PolicyResult]) -> None:
    networked = dict(evaluation.versions.values_list("pk", "network"))
    asked = set(networked)
    answered = set(evaluation.results.values_list("version_id", flat=True))
    rows = []
    for result in results:
        if result.version_id in asked - answered and result.state is not ResultState.WAIVED:
            answered.add(result.version_id)
            rows.append(_row(evaluation, result, networked=networked[result.version_id]))
    rows += [
        Result(
            evaluation=evaluation,
            version_id=version,
            state=ResultState.ERRORED,
            message="The agent returned no result for this policy.",
        )
        for version in sorted(asked - answered)
    ]
    Result.objects.bulk_create(rows)


def _row(evaluation: Evaluation, result: PolicyResult, *, networked: bool) -> Result:
    if networked and not result.network and result.state in JUDGED:
        return Result(
            evaluation=evaluation,
            version_id=result.version_id,
            state=ResultState.ERRORED,
            message=UNNETWORKED,
        )
    counts = result.state in JUDGED
    # An agent of an older release leaves findings in the details.
    details, moved_findings, left_out = moved(result.details)
    points = min(100.0, max(0.0, result.score)) if counts and result.score is not None else None
    return Result(
        evaluation=evaluation,
        version_id=result.version_id,
        state=result.state,
        score=points,
        message=result.message,
        details=details,
        findings=[one.model_dump(mode="json") for one in result.findings + moved_findings],
        findings_left_out=max(0, result.findings_left_out) + left_out,
        logs=[line.model_dump(mode="json") for line in result.logs],
        seconds=max(0.0, result.seconds),
        memoised=result.memoised,
        network=result.network[:128] if networked else "",
        tools=[tool.model_dump(mode="json") for tool in result.tools[:MOST_TOOLS]],
        digests={name: text[:64] for name, text in result.digests.model_dump().items()},
    )


def _conclude(evaluation: Evaluation, state: EvaluationState | None = None) -> None:
    """`state`: how it ended as a whole. Where all that was to run is advisory, that fails nothing either; it is said."""
    decide(evaluation)
    if state is not None:
        asked = evaluation.versions.values_list("pk", flat=True)
        levels = [evaluation.level_of(version) for version in asked]
        if levels and not any(level.gates for level in levels):
            evaluation.remarks = len(levels)
        else:
            evaluation.state = state
    settle(evaluation, EvaluationState(evaluation.state))
    evaluation.waits_for = ""
    evaluation.finished_at = timezone.now()
    evaluation.save()
    outbox.instruct(Instruction.REPORT, project=evaluation.project_id, commit=evaluation.commit)
    outbox.instruct(Instruction.SCORE, project=evaluation.project_id)
    outbox.instruct(Instruction.SIGN, evaluation=evaluation.pk)
    if not evaluation_ended(evaluation):
        evaluation_finished(evaluation)
    give_turn(evaluation)
