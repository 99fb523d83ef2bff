"""The job of a trial: published once the facts of its project are known."""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from seatrial.control.forges import facts as forge_facts
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.sources import source
from seatrial.control.outbox import services as outbox
from seatrial.control.policies.errors import TooBigToTry
from seatrial.control.policies.models import NetworkPermission, Trial
from seatrial.control.policies.trials.drafts import Draft, of_rows
from seatrial.control.policies.trials.results import lost
from seatrial.wire import subjects
from seatrial.wire.errors import MalformedMessage
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.previews import Preview
from seatrial.wire.states import TrialState
from seatrial.wire.trials import RunTrial
from seatrial.wire.words import EventKind

Look = Callable[[Trial], Preview | None]


def nowhere(trial: Trial) -> Preview | None:
    """Where there are no previews."""
    return None


def take_facts(forges: Forges, body: dict[str, str], look: Look = nowhere) -> None:
    """Have the facts for the trial in `body`, with no transaction open, and hand it to an agent with them.

    A trial of a replay takes those that the forge gave last, so that a replay asks a forge at most once for each project. A
    trial that has ended is left alone. `look` gives the preview of its commit, for live policies. Idempotent. Raises ForgeError.
    """
    trial = Trial.objects.select_related("project__connection").filter(pk=body["trial"], **WAITS).first()
    if trial is None or trial.project is None:
        return
    last = forge_facts.last(trial.project) if trial.replay_id else None
    facts = last or forge_facts.take(forges, trial.project, trial.commit)
    live = any(draft.live for draft in of_rows(trial.tried))
    queue(trial.pk, facts, look(trial) if live else None)


def facts_given_up(body: dict[str, str], reason: str) -> None:
    """End the trial, because the forge will not be asked any more."""
    lost(body["trial"], f"The forge gave no facts about the repository: {reason} Try again.")


WAITS = {"state": TrialState.QUEUED, "queued_at": None}


@transaction.atomic
def queue(trial_id: str, facts: ForgeFacts, preview: Preview | None = None) -> None:
    """Hand it to an agent, unless it has ended or was handed over already. Idempotent."""
    trial = Trial.objects.select_for_update(of=("self",)).filter(pk=trial_id, **WAITS).first()
    if trial is None:
        return
    try:
        publish(trial, facts, preview)
    except TooBigToTry as error:
        lost(trial.pk, str(error))


def publish(trial: Trial, facts: ForgeFacts, preview: Preview | None = None) -> None:
    """Hand it to an agent once the caller's transaction commits; the caller has locked or just made it. Raises TooBigToTry."""
    drafts = of_rows(trial.replay.tried if trial.replay is not None else trial.tried)
    try:
        outbox.publish(
            subjects.evaluation_jobs(trial.workspace_id),
            _job(trial, drafts, facts, preview),
            workspace=trial.workspace_id,
            about=f"trial/{trial.pk}",
        )
    except MalformedMessage as error:
        raise TooBigToTry(f"This is too much to try at once: {error}. Try fewer policies.") from error
    trial.queued_at = timezone.now()
    trial.deployment = preview.deployment if preview is not None else ""
    trial.save(update_fields=["queued_at", "deployment"])


def _job(trial: Trial, drafts: list[Draft], facts: ForgeFacts, preview: Preview | None) -> RunTrial:
    project, pull_request = trial.project, trial.pull_request
    permitted = NetworkPermission.objects.filter(workspace=trial.workspace_id).exists()
    return RunTrial(
        trial=trial.pk,
        workspace=trial.workspace_id,
        project=project.pk if project is not None else "",
        repository=project.pk if project is not None else "",
        source=source(project) if project is not None else None,
        commit=trial.commit,
        ref=trial.ref,
        event=EventKind.PULL_REQUEST if pull_request is not None else EventKind.MANUAL,
        base_commit=trial.base_commit,
        number=pull_request.number if pull_request is not None else None,
        policies=[draft.on_trial(network=permitted) for draft in drafts],
        facts=facts,
        preview=preview,
        patient=trial.replay_id is not None,
    )
