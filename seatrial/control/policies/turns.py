"""Whose turn it is: no workspace has more evaluations with agents than keep all of them busy, so one with hundreds delays nobody.

Agents take jobs in the order in which they are published. So what waits for its turn waits here, in the outbox, before its forge
is asked and its job is published; and whenever an evaluation of its workspace ends, the one that waits longest is looked at again.
"""

from datetime import timedelta

from seatrial.control.fleet.models import Agent
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.wire.states import AgentState, EvaluationState

FOR_EACH_AGENT = (
    4  # twice as many as one runs at the same time: none is idle while the next job is on its way
)
LOOK_AGAIN = timedelta(minutes=5)  # in case nothing of the workspace ends meanwhile
IN_PROGRESS = (EvaluationState.QUEUED, EvaluationState.RUNNING)


def has_turn(evaluation: Evaluation) -> bool:
    """Whether it may be handed to an agent now. Asked by several at once, it may let one or two more through."""
    handed_over = Evaluation.objects.filter(state__in=IN_PROGRESS, queued_at__isnull=False)
    of_workspace = handed_over.filter(project__workspace=evaluation.project.workspace_id)
    return of_workspace.count() < FOR_EACH_AGENT * max(
        1, Agent.objects.filter(state=AgentState.ONLINE).count()
    )


def wait_for_turn(evaluation: Evaluation) -> None:
    """Have it looked at again when an evaluation of its workspace has ended. Idempotent; nothing is lost if the worker dies."""
    workspace = evaluation.project.workspace_id
    outbox.instruct(Instruction.FACTS, after=LOOK_AGAIN, evaluation=evaluation.pk, turn=workspace)


def give_turn(evaluation: Evaluation) -> None:
    """This one has ended, in the caller's transaction: the one of its workspace that waits longest has its turn, if there is one."""
    outbox.hasten(Instruction.FACTS, turn=evaluation.project.workspace_id)
