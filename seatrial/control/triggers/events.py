"""What a delivery leads to. Runs in the caller's transaction, is idempotent, and sends no request to a forge."""

from datetime import datetime

from django.utils import timezone

from seatrial.control.forges import drift
from seatrial.control.forges.deliveries import about
from seatrial.control.forges.models import Delivery, Ending
from seatrial.control.forges.protocol import (
    ForgeEvent,
    PullRequestChanged,
    Pushed,
    RepositoryChanged,
    TagCreated,
)
from seatrial.control.forges.registry import registered
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews import services as previews
from seatrial.control.projects.models import Project, PullRequestState
from seatrial.control.projects.services import apply_pull_request, find_project, repository_changed
from seatrial.wire.words import EventKind


def outcome(delivery: Delivery) -> str:
    """Handle `delivery`, and return what was done, for people. If it raises, the delivery is tried again.

    Also sets on `delivery` what it is about and how it ended; the caller saves it.
    """
    event = registered(delivery.connection.forge).webhooks.parse(delivery.event, bytes(delivery.body))
    if event is None:
        delivery.ending = Ending.IGNORED
        return "ignored: nothing to do for this event"
    about.note(delivery, event)
    project = find_project(delivery.connection, event.external_id)
    if project is None:
        delivery.ending = Ending.NOT_CONNECTED
        return f"ignored: no project is connected to repository {delivery.repository or event.external_id}"
    delivery.ending = Ending.DONE
    drift.told(project, delivery)
    if isinstance(event, PullRequestChanged):
        return pull_request_changed(project, event, received_at=delivery.waits_since)
    if isinstance(event, RepositoryChanged):
        moved = repository_changed(project, event)
        return (
            f"the repository is {event.full_name} now"
            if moved
            else "ignored: nothing new about the repository"
        )
    return ref_changed(project, event)


def pull_request_changed(
    project: Project, event: PullRequestChanged, *, received_at: datetime | None = None
) -> str:
    """Handle a change of a pull request, seen by a webhook or a sweep: update its preview and evaluate it."""
    pull_request = apply_pull_request(project, event)
    if pull_request is None:
        return f"ignored: pull request {event.number} is known in a newer state"
    done = previews.pull_request_changed(pull_request, received_at=received_at or timezone.now())
    if pull_request.state == PullRequestState.CLOSED:
        policies.supersede(pull_request)
        return done
    evaluation = policies.evaluate(
        project,
        commit=pull_request.head_sha,
        ref=f"refs/heads/{pull_request.branch}",
        event=EventKind.PULL_REQUEST,
        pull_request=pull_request,
        base_commit=pull_request.base_sha,
    )
    return f"{done}; {_described(evaluation)}"


def ref_changed(project: Project, event: ForgeEvent) -> str:
    """Handle a push or a new tag: evaluate its commit."""
    if isinstance(event, Pushed):
        kind, before = EventKind.PUSH, event.before
    elif isinstance(event, TagCreated):
        kind, before = EventKind.TAG, ""
    else:
        return "ignored: nothing to do for this event"
    evaluation = policies.evaluate(
        project, commit=event.commit, ref=event.ref, event=kind, base_commit=before
    )
    return _described(evaluation)


def _described(evaluation: Evaluation | None) -> str:
    return f"evaluation {evaluation.pk}" if evaluation else "no policy applies"
