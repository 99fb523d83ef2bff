"""Handles what agents report about trials. One that ended never changes; every report may come twice or late."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Replay, Trial
from seatrial.control.policies.trials.drafts import Draft, of_rows
from seatrial.control.policies.trials.feeding import feed
from seatrial.wire.evaluations import PolicyResult
from seatrial.wire.expectations import differences
from seatrial.wire.states import ResultState, TrialState
from seatrial.wire.trials import TrialFinished, TrialResult, TrialStarted

OPEN = (TrialState.QUEUED, TrialState.RUNNING)
NO_RESULT = "The agent returned no result for this."
UNNETWORKED = "Ran without the network that it asks for. "
KEPT_OF_A_REPLAY = 1_000  # characters of a message
MOST_TOOLS = 20  # of one result


@transaction.atomic
def started(agent_id: str, event: TrialStarted) -> None:
    """An agent took the trial. If it is taken again after a crash, its time starts again."""
    trial = _in_progress(event.trial)
    if trial is None or trial.queued_at is None:
        return
    trial.state = TrialState.RUNNING
    trial.agent = agent_id
    trial.started_at = timezone.now()
    trial.save(update_fields=["state", "agent", "started_at"])


@transaction.atomic
def finished(agent_id: str, event: TrialFinished) -> None:
    """An agent reported all results. Only the one that took the trial last is believed, and only about what was asked."""
    trial = _in_progress(event.trial)
    if trial is None or trial.agent not in {"", agent_id}:
        return
    drafts = of_rows(trial.replay.tried if trial.replay is not None else trial.tried)
    trial.agent = agent_id
    trial.isolation = event.isolation or ""
    trial.seconds = max(0.0, event.seconds)
    trial.message = event.message
    results = _complete(drafts, event.results, with_commit=bool(trial.commit)) if event.results else []
    trial.results = [row(draft, result, short=trial.replay is not None) for draft, result in results]
    said = [result.result.state for _, result in results if result.test is None]
    trial.said, trial.said_in_force = (*said, "", "")[:2]
    _end(trial, TrialState.FINISHED if results else TrialState.ERRORED)


@transaction.atomic
def lost(trial_id: str, reason: str) -> None:
    """End the trial without a result, because no agent will finish it. Idempotent."""
    trial = _in_progress(trial_id)
    if trial is not None:
        trial.message = reason
        _end(trial, TrialState.ERRORED)


def row(draft: Draft, one: TrialResult, *, short: bool) -> dict[str, Any]:
    """One result as `Trial.results` holds it; `short`, as one of many."""
    result = one.result
    unnetworked = draft.network and not result.network and one.test is None
    message = f"{UNNETWORKED}{result.message}" if unnetworked else result.message
    kept: dict[str, Any] = {
        "key": draft.key,
        "slug": draft.slug,
        "state": str(result.state),
        "score": result.score,
        "message": message[:KEPT_OF_A_REPLAY] if short else message,
        "seconds": max(0.0, result.seconds),
        "memoised": result.memoised,
        "network": result.network,
        "tools": [tool.model_dump(mode="json") for tool in result.tools[:MOST_TOOLS]],
    }
    if not short:
        kept["details"] = result.details
        kept["findings"] = [found.model_dump(mode="json") for found in result.findings]
        kept["findings_left_out"] = max(0, result.findings_left_out)
        kept["logs"] = [line.model_dump(mode="json") for line in result.logs]
    if one.test is not None:
        test = draft.tests[one.test]
        found = differences(test["expected"], result)
        kept["test"] = test["name"]
        kept["differences"] = [difference.model_dump(mode="json") for difference in found]
    return kept


def _complete(
    drafts: list[Draft], results: list[TrialResult], *, with_commit: bool
) -> list[tuple[Draft, TrialResult]]:
    """One result for each test, and for each policy without tests on the commit, in order; missing ones are errored."""
    said = {(one.result.version_id, one.test): one for one in reversed(results)}
    return [
        (draft, _believed(said.get((draft.key, test)) or _missing(draft, test)))
        for draft in drafts
        for test in (range(len(draft.tests)) if draft.tests else [None] if with_commit else [])
    ]


def _believed(one: TrialResult) -> TrialResult:
    """No agent can waive."""
    if one.result.state is not ResultState.WAIVED:
        return one
    return one.model_copy(update={"result": one.result.model_copy(update={"state": ResultState.ERRORED})})


def _missing(draft: Draft, test: int | None) -> TrialResult:
    result = PolicyResult(version_id=draft.key, slug=draft.slug, state=ResultState.ERRORED, message=NO_RESULT)
    return TrialResult(result=result, test=test)


def _in_progress(trial_id: str) -> Trial | None:
    """The trial, locked, and its replay before it: whoever ends the last one of a replay must know that it is the last."""
    replay = Trial.objects.filter(pk=trial_id).values_list("replay_id", flat=True).first()
    if replay is not None:
        Replay.objects.select_for_update(no_key=True).get(pk=replay)
    rows = Trial.objects.select_for_update(of=("self",), no_key=True).select_related("replay")
    trial = rows.filter(pk=trial_id).first()
    return trial if trial is not None and trial.state in OPEN else None


def _end(trial: Trial, state: TrialState) -> None:
    trial.state = state
    trial.finished_at = timezone.now()
    trial.save()
    for review in trial.reviews.values_list("pk", flat=True):
        outbox.instruct(Instruction.REVIEW, review=review)
    replay = trial.replay
    if replay is None:
        return
    if replay.state == TrialState.RUNNING and not replay.trials.filter(state__in=OPEN).exists():
        replay.state = TrialState.FINISHED
        replay.finished_at = timezone.now()
        replay.save(update_fields=["state", "finished_at"])
    feed()
