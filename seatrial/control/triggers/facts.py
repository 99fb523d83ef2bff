"""Fetches the forge's facts for an evaluation, then queues the evaluation's job for an agent."""

from seatrial.control.forges import facts
from seatrial.control.forges.connected import Forges
from seatrial.control.policies import queueing
from seatrial.control.policies.models import Evaluation


def take_facts(forges: Forges, body: dict[str, str]) -> None:
    """Fetch the facts for the evaluation in `body`, with no transaction open, and queue it with them.

    An evaluation that was superseded, before the request to the forge or during it, is left alone. Idempotent. Raises
    ForgeError.
    """
    rows = Evaluation.objects.select_related("project__connection")
    evaluation = rows.filter(pk=body["evaluation"], **queueing.WAITS_FOR_FACTS).first()
    if evaluation is not None:
        queueing.queue(evaluation.pk, facts.take(forges, evaluation.project, evaluation.commit))


def facts_wait(body: dict[str, str], reason: str) -> None:
    """Show on the evaluation that the forge did not answer, and is asked again."""
    queueing.note_waiting(body["evaluation"], f"the forge's facts about the repository ({reason})")


def facts_given_up(body: dict[str, str], reason: str) -> None:
    """End the evaluation, because the forge will not be asked any more."""
    queueing.give_up_waiting(
        body["evaluation"], f"The forge gave no facts about the repository: {reason} Run it again."
    )
