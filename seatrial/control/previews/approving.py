"""Approves one commit of a pull request from a fork: it gets a preview, and nothing that is pushed after it does."""

from django.db import transaction

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.previews import services
from seatrial.control.previews.errors import AnotherCommit, NothingToApprove, PullRequestClosed
from seatrial.control.projects.models import Project, PullRequest, PullRequestState


@transaction.atomic
def approve(pull_request: PullRequest, *, commit: str, by: Actor) -> str:
    """Let `commit` have a preview; returns what was done, for people. Approving it again changes nothing.

    `commit` is the one that the approver has seen: whatever was pushed since is not approved. The project is locked before
    the pull request, as by events of the forge, which would otherwise write over the approval.

    Raises PullRequestClosed, NothingToApprove, AnotherCommit.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=pull_request.project_id)
    row = PullRequest.objects.select_for_update(of=("self",), no_key=True).get(pk=pull_request.pk)
    _check(row, commit)
    if not row.approved:
        row.approved_sha, row.approved_by = commit, str(by)[:200]
        row.save(update_fields=["approved_sha", "approved_by"])
        audit.record(
            "pull_request.approve",
            f"project/{project.pk}/pull/{row.number}",
            by=by,
            workspace=project.workspace_id,
            details={"commit": commit, "author": row.author},
        )
    return services.pull_request_changed(row)


def _check(row: PullRequest, commit: str) -> None:
    if row.state == PullRequestState.CLOSED:
        raise PullRequestClosed(f"Pull request {row.number} is closed. Reopen it to have a preview of it.")
    if not row.from_fork:
        raise NothingToApprove(
            f"Pull request {row.number} comes from the repository itself: its commits need no approval."
        )
    if row.head_sha != commit:
        raise AnotherCommit(
            f"Pull request {row.number} is at {row.head_sha[:10]}, not at {commit[:10]}. "
            "Read what was pushed since, then approve that commit."
        )
