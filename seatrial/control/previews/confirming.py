"""Deployments of a hosted forge start nothing until that forge has said that their pull request is open.

What a webhook told may be minutes old: a webhook that was held up, a server that was down, a rebuild long after the last
news. Until then, no agent's desired state names the deployment (`previews.desired`). The lane that asks is
`triggers.confirming`; here is what its answer does. Every function is one transaction and idempotent, and ignores a
deployment that is not the candidate any more or may start already.
"""

from django.db import transaction

from seatrial.control.forges.registry import is_hosted
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews import lifecycle
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.waits import ASKED
from seatrial.wire.states import EnvironmentState
from seatrial.wire.words import Reason


def asked_about(deployment_id: str) -> Deployment | None:
    """The deployment that the forge is to be asked about, with all rows that takes; None when there is nothing to ask.

    It is the candidate that nobody has confirmed, or one that is live again because its stop was undone.
    """
    rows = Deployment.objects.select_related("environment__project__connection", "environment__pull_request")
    deployment = rows.filter(pk=deployment_id).first()
    if deployment is None or deployment.environment.state == EnvironmentState.TERMINATED:
        return None
    waits = deployment.environment.candidate_id == deployment.pk and deployment.confirmed_at is None
    return deployment if waits or deployment.environment.live_id == deployment.pk else None


def ask_again(environment: Environment) -> None:
    """Have the forge asked about a preview that runs again, because its stop was undone. The caller has its row locked."""
    if environment.live_id is not None and is_hosted(environment.project.connection.forge):
        outbox.instruct(Instruction.CONFIRM, deployment=environment.live_id)


def note_waiting(deployment_id: str, reason: str) -> None:
    """Show on the deployment why its forge has not answered yet."""
    what = f"{ASKED} ({reason})"
    Deployment.objects.filter(pk=deployment_id, confirmed_at=None).update(unconfirmed=what)


@transaction.atomic
def confirm(deployment_id: str, *, doubt: str = "") -> None:
    """Let the deployment start. `doubt` is a warning: the forge has not answered in time."""
    environment = _waiting(deployment_id)
    if environment is None or environment.candidate is None:
        return
    lifecycle.confirm(environment, doubt=doubt)


@transaction.atomic
def refuse(deployment_id: str, why: str) -> None:
    """Fail the deployment: the forge has no such pull request."""
    environment = _waiting(deployment_id)
    if environment is not None:
        lifecycle.fail(environment, reason=Reason.NOT_CONFIRMED, message=why)


def _waiting(deployment_id: str) -> Environment | None:
    """The environment, locked, if the deployment is its candidate and waits to be confirmed."""
    known = Deployment.objects.filter(pk=deployment_id).values_list("environment_id", flat=True).first()
    environment = lifecycle.locked(known) if known is not None else None
    candidate = environment.candidate if environment is not None else None
    if candidate is None or candidate.pk != deployment_id or candidate.confirmed_at is not None:
        return None
    return environment
