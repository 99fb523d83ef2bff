"""Asks the forge about a pull request, right before its deployment starts: what webhooks told may be out of date."""

import structlog
from django.db import transaction
from django.utils import timezone

from seatrial.control.forges import drift
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.models import DriftKind
from seatrial.control.forges.protocol import HostedForge, PullRequestAction, PullRequestChanged
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.previews import confirming
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.control.projects.services import state_after
from seatrial.control.triggers.events import pull_request_changed

log = structlog.get_logger(__name__)


def confirm(forges: Forges, body: dict[str, str]) -> None:
    """Ask about the pull request of the deployment in `body`, apply the answer, and let the deployment start if it still fits.

    If the pull request is closed, its preview ends; if it has another commit, that is deployed instead, and asked about by
    itself. A forge that has no such pull request fails the deployment. No transaction is open while the forge is asked.
    Idempotent. Raises ForgeError when the forge does not answer.
    """
    deployment = confirming.asked_about(body["deployment"])
    if deployment is None:
        return
    project, number = deployment.environment.project, deployment.environment.pull_request.number
    forge = forges.of(project.connection)
    if isinstance(forge, HostedForge):
        try:
            event = forge.pull_request(project, number)
        except ForgeError as error:
            if not error.permanent:
                raise
            confirming.refuse(deployment.pk, f"Pull request {number} could not be confirmed: {error}.")
            return
        _apply(project, event)
    confirming.confirm(deployment.pk)


def confirm_waits(body: dict[str, str], reason: str) -> None:
    """Show on the deployment that the forge did not answer, and is asked again."""
    confirming.note_waiting(body["deployment"], reason)


def confirm_given_up(body: dict[str, str], reason: str) -> None:
    """Start the deployment all the same: people want their preview, and most pull requests are as they were."""
    confirming.confirm(
        body["deployment"],
        doubt=f"The code host could not confirm that the pull request is open: {reason}. "
        "The preview was started by what it said last.",
    )


@refs_are_matched
@transaction.atomic
def _apply(project: Project, event: PullRequestChanged) -> None:
    """Apply the answer, unless a webhook that came while we asked says more."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    known = PullRequest.objects.get(project=project, number=event.number)
    closed_meanwhile = known.state == PullRequestState.CLOSED and event.action is not PullRequestAction.CLOSED
    if closed_meanwhile and event.changed_at <= known.changed_at:
        return
    if (known.state, known.head_sha) != (state_after(event), event.head_sha):
        log.warning(
            "a pull request was not as its webhooks had said; is the webhook all right?",
            pull_request=str(known),
            known=[known.state, known.head_sha[:10]],
            now=[state_after(event), event.head_sha[:10]],
        )
        kind = DriftKind.CLOSED if event.action is PullRequestAction.CLOSED else DriftKind.PUSHED
        drift.note(project, kind, event.number, began=timezone.now())
    pull_request_changed(project, event)
