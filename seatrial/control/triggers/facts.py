"""Takes the forge's facts for an evaluation that was asked for; then its job is queued for an agent."""

from seatrial.control.forges import facts
from seatrial.control.forges.connected import Forges
from seatrial.control.policies import queueing
from seatrial.control.policies.models import Evaluation


def take_facts(forges: Forges, body: dict[str, str]) -> None:
    """Take the facts of the evaluation that `body` names, with no transaction open, and queue it with them.

    One that was superseded meanwhile is left alone, before the forge is asked and after. Idempotent. Raises ForgeError.
    """
    rows = Evaluation.objects.select_related("project__connection")
    evaluation = rows.filter(pk=body["evaluation"], **queueing.WAITS_FOR_FACTS).first()
    if evaluation is not None:
        queueing.queue(evaluation.pk, facts.take(forges, evaluation.project, evaluation.commit))


def facts_wait(body: dict[str, str], reason: str) -> None:
    """The forge did not answer; it is asked again."""
    queueing.note_waiting(body["evaluation"], f"Waits for the forge to tell about the repository: {reason}")


def facts_given_up(body: dict[str, str], reason: str) -> None:
    """It will not be asked any more."""
    queueing.give_up_waiting(
        body["evaluation"], f"The forge did not tell about the repository: {reason} Run it again."
    )
