"""An evaluation that somebody has run again: the same commit, by the policies that apply now."""

from django.db import transaction

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies import floats
from seatrial.control.policies.errors import NotRunAgain
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.policies.services import evaluate
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import PullRequestState
from seatrial.wire.words import EventKind


@refs_are_matched
@transaction.atomic
def again(evaluation: Evaluation, *, by: Actor) -> Evaluation:
    """The new evaluation, or the one that is in progress. What no policy looked at anew is remembered.

    Raises NotRunAgain, ProjectArchived.
    """
    if evaluation.project.archived_at is not None:
        raise ProjectArchived(evaluation.project.name)
    if why := why_not_again(evaluation):
        raise NotRunAgain(why)
    made = _look_again(evaluation) if evaluation.event == EventKind.PREVIEW else _evaluate(evaluation)
    if made is None:
        raise NotRunAgain("No policy applies to it any more.")
    audit.record(
        "evaluation.request",
        f"evaluation/{made.pk}",
        by=by,
        workspace=made.project.workspace_id,
        details={"commit": made.commit},
    )
    return made


def _look_again(evaluation: Evaluation) -> Evaluation | None:
    """At the preview, which is that of the newest commit."""
    if evaluation.pull_request is None or evaluation.commit != evaluation.pull_request.head_sha:
        raise NotRunAgain("A newer commit has a preview of its own. Run the policies on that one again.")
    return floats.look_again(evaluation.pull_request)


def _evaluate(evaluation: Evaluation) -> Evaluation | None:
    return evaluate(
        evaluation.project,
        commit=evaluation.commit,
        ref=evaluation.ref,
        event=EventKind(evaluation.event),
        pull_request=evaluation.pull_request,
        base_commit=evaluation.base_commit,
        again=True,
    )


def why_not_again(evaluation: Evaluation) -> str | None:
    """In a sentence; None if nothing is against it. What is newer is never superseded by what is older."""
    pull_request = evaluation.pull_request
    if pull_request is not None and pull_request.state == PullRequestState.CLOSED:
        return "The pull request is closed. Reopen it to have its policies run."
    newer = Evaluation.objects.filter(
        project=evaluation.project_id,
        event=evaluation.event,
        ref=evaluation.ref,
        pull_request=pull_request,
        pk__gt=evaluation.pk,
    )
    if newer.exclude(commit=evaluation.commit).exists():
        return "A newer commit has been evaluated since. Run that one again."
    return None
