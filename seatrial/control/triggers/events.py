"""What a delivery leads to. Runs in the caller's transaction, is idempotent, and sends no request to a forge."""

from datetime import datetime

from django.utils import timezone

from seatrial.control.forges import drift, hooks
from seatrial.control.forges.deliveries import about
from seatrial.control.forges.models import Delivery, Ending
from seatrial.control.forges.protocol import (
    CheckAsked,
    Commented,
    ForgeEvent,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    QueuedForMerge,
    ReachChanged,
    RepositoryBack,
    RepositoryChanged,
    RepositoryGone,
    TagCreated,
)
from seatrial.control.forges.registry import registered
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.source import services as policy_source
from seatrial.control.policies.source.reviewing import proposed
from seatrial.control.previews import services as previews
from seatrial.control.previews.withheld import withheld
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.control.projects.services import (
    apply_pull_request,
    find_project,
    is_news,
    repository_changed,
    set_gone,
)
from seatrial.control.triggers import checks
from seatrial.control.triggers.commented import commented
from seatrial.control.triggers.reach import reach_changed
from seatrial.wire.words import EventKind

# What a report about a pull request depends on, beside its preview and its verdict
TOLD = ("state", "head_sha", "base_branch", "draft", "labels", "from_fork")


def outcome(delivery: Delivery) -> str:
    """Handle `delivery`, and return what was done, for people. If it raises, the delivery is tried again.

    Also sets on `delivery` what it is about and how it ended; the caller saves it.
    """
    event = registered(delivery.connection.forge).webhooks.parse(delivery.event, bytes(delivery.body))
    if event is None:
        delivery.ending = Ending.IGNORED
        return "ignored: nothing to do for this event"
    about.note(delivery, event)
    if isinstance(event, ReachChanged):
        delivery.ending = Ending.DONE
        return reach_changed(delivery.connection, event)
    project = find_project(delivery.connection, event.external_id)
    if project is None:
        delivery.ending = Ending.NOT_CONNECTED
        return f"ignored: no project is connected to repository {delivery.repository or event.external_id}"
    delivery.ending = Ending.DONE
    if delivery.repository not in ("", project.full_name) and not isinstance(event, RepositoryChanged):
        hooks.ask_soon(project)
    if isinstance(event, PullRequestChanged):
        drift.told(project, delivery)
    return _of_project(project, event, delivery.waits_since)


def _of_project(project: Project, event: ForgeEvent, received_at: datetime) -> str:
    match event:
        case PullRequestChanged():
            return pull_request_changed(project, event, received_at=received_at)
        case CheckAsked():
            return checks.asked(project, event, received_at=received_at)
        case Commented():
            return commented(project, event)
        case RepositoryChanged() | RepositoryGone() | RepositoryBack():
            return repository_event(project, event)
    return ref_changed(project, event)


def pull_request_changed(
    project: Project, event: PullRequestChanged, *, received_at: datetime | None = None
) -> str:
    """Handle a change of a pull request, seen by a webhook or a sweep: update its preview and evaluate it."""
    before = PullRequest.objects.filter(project=project, number=event.number).first()
    late = before is not None and not is_news(before, event)  # most of a storm: it waits for no lock
    pull_request = None if late else apply_pull_request(project, event)
    if pull_request is None:
        return known_newer(event.number)
    done = previews.pull_request_changed(pull_request, received_at=received_at or timezone.now())
    if pull_request.state == PullRequestState.CLOSED:
        policies.supersede(pull_request)
        return done
    proposed(pull_request)
    evaluation = _evaluate(pull_request, rebased=_rebased(before, event))
    if before is None or any(getattr(before, name) != getattr(pull_request, name) for name in TOLD):
        _tell_what_is_missing(pull_request, evaluation)
    return f"{done}; {_described(evaluation)}"


def known_newer(number: int) -> str:
    """The outcome of a delivery that is late, for people."""
    return f"ignored: pull request {number} is known in a newer state"


def _evaluate(pull_request: PullRequest, *, rebased: bool) -> Evaluation | None:
    if pull_request.project.gone:
        return None
    return policies.evaluate(
        pull_request.project,
        commit=pull_request.head_sha,
        ref=f"refs/heads/{pull_request.branch}",
        event=EventKind.PULL_REQUEST,
        pull_request=pull_request,
        base_commit=pull_request.base_sha,
        rebased=rebased,
    )


def _rebased(before: PullRequest | None, event: PullRequestChanged) -> bool:
    """Whether its base may be another one. When only the base's newest commit differs, somebody must have changed the pull
    request: a sweep must not evaluate everything again for each push to the default branch. Not every forge says in an
    event which commit that is.
    """
    retargeted = before is not None and before.base_branch not in {"", event.base_branch}
    return retargeted or (event.action is PullRequestAction.CHANGED and bool(event.base_sha))


def _tell_what_is_missing(pull_request: PullRequest, evaluation: Evaluation | None) -> None:
    """Have the forge told that there is no preview, or no verdict, and why: it may require their names."""
    if withheld(pull_request) is not None:
        outbox.instruct(Instruction.REPORT, pull_request=pull_request.pk)
    if evaluation is None:
        outbox.instruct(Instruction.REPORT, project=pull_request.project_id, commit=pull_request.head_sha)


def ref_changed(project: Project, event: ForgeEvent) -> str:
    """Handle a push, a new tag, or a commit of a merge queue: evaluate it."""
    queued = event.number if isinstance(event, QueuedForMerge) else None
    if isinstance(event, Pushed):
        kind, before = EventKind.PUSH, event.before
        policy_source.pushed(project, event.ref)
    elif isinstance(event, TagCreated):
        kind, before = EventKind.TAG, ""
    elif isinstance(event, QueuedForMerge):
        kind, before = EventKind.MERGE_QUEUE, event.base_sha
    else:
        return "ignored: nothing to do for this event"
    evaluation = policies.evaluate(
        project, commit=event.commit, ref=event.ref, event=kind, base_commit=before, queued=queued
    )
    return _described(evaluation)


def repository_event(project: Project, event: RepositoryChanged | RepositoryGone | RepositoryBack) -> str:
    """Handle what happened to the repository. Where it is gone, previews end and everything else is kept."""
    if isinstance(event, RepositoryChanged):
        moved = repository_changed(project, event)
        return (
            f"the repository is {event.full_name} now"
            if moved
            else "ignored: nothing new about the repository"
        )
    gone = event.why if isinstance(event, RepositoryGone) else None
    if not set_gone(project, gone):
        return "ignored: nothing new about the repository"
    outbox.instruct(Instruction.FOLLOW, project=project.pk)
    return (
        f"the repository is {gone}; its previews end, and all else is kept"
        if gone
        else "the repository is back"
    )


def _described(evaluation: Evaluation | None) -> str:
    return f"evaluation {evaluation.pk}" if evaluation else "no policy applies"
