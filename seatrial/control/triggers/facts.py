"""Fetches the forge's facts for an evaluation, then queues the evaluation's job for an agent."""

from seatrial.control.forges import facts
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.protocol import Asked, HostedForge
from seatrial.control.policies import floats, queueing, turns
from seatrial.control.policies.models import Evaluation
from seatrial.control.triggers.looking import snapshot
from seatrial.wire.words import EventKind

METHODS = {Asked.MEMBERS: "get_members", Asked.PROTECTION: "get_branch_protection"}
GONE = "The preview was stopped before anything looked at it."


def take_facts(forges: Forges, body: dict[str, str]) -> None:
    """Fetch the facts for the evaluation in `body`, with no transaction open, and queue it with them.

    An evaluation that was superseded, before the request to the forge or during it, is left alone. One whose workspace has enough
    with agents waits for its turn. Idempotent. Raises ForgeError.
    """
    rows = Evaluation.objects.select_related("project__connection", "pull_request")
    evaluation = rows.filter(pk=body["evaluation"], **queueing.WAITS_FOR_FACTS).first()
    if evaluation is None:
        return
    if not turns.has_turn(evaluation):
        queueing.note_waiting(evaluation.pk, "its turn: agents have enough of this workspace")
        turns.wait_for_turn(evaluation)
    else:
        _complete(forges, evaluation)
        known = facts.take(forges, evaluation.project, evaluation.commit, _wanted(evaluation))
        if evaluation.event != EventKind.PREVIEW:
            queueing.queue(evaluation.pk, known)
        elif (preview := snapshot(evaluation.deployment)) is not None:
            queueing.queue(evaluation.pk, known, preview)
        else:
            floats.skip(evaluation, GONE)


def _wanted(evaluation: Evaluation) -> frozenset[Asked]:
    """What its policies ask for, as far as their code names it."""
    codes = evaluation.versions.all()
    return frozenset(one for one, method in METHODS.items() if codes.filter(code__contains=method).exists())


def _complete(forges: Forges, evaluation: Evaluation) -> None:
    """Ask what the commit is compared with, where the webhook did not tell, as GitLab's do not."""
    forge = forges.of(evaluation.project.connection)
    if evaluation.base_commit or evaluation.pull_request is None or not isinstance(forge, HostedForge):
        return
    try:
        now = forge.pull_request(evaluation.project, evaluation.pull_request.number)
    except ForgeError as error:
        if error.permanent:
            return  # it is compared with nothing
        raise
    if now.head_sha == evaluation.commit and now.base_sha:
        rows = Evaluation.objects.filter(pk=evaluation.pk, base_commit="")
        rows.update(base_commit=now.base_sha)


def facts_wait(body: dict[str, str], reason: str) -> None:
    """Show on the evaluation that the forge did not answer, and is asked again."""
    queueing.note_waiting(body["evaluation"], f"the forge's facts about the repository ({reason})")


def facts_given_up(body: dict[str, str], reason: str) -> None:
    """End the evaluation, because the forge will not be asked any more."""
    queueing.give_up_waiting(
        body["evaluation"], f"The forge gave no facts about the repository: {reason} Run it again."
    )
