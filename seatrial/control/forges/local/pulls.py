"""The local forge's pull requests. People open and close them, commits move them, deleting the branch closes them."""

from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from seatrial.control.forges.errors import RepositoryProblem
from seatrial.control.forges.local.git import Repository
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.models import Project, PullRequestState

CHANNEL = "seatrial_local_pulls"  # notified when the transaction commits; wakes the announcer


@transaction.atomic
def open_pull(project: Project, branch: str, head: str) -> LocalPullRequest:
    """Open `branch`, whose head is `head`, as a pull request, or update or reopen the one it has.

    The caller has asked git before, so that no lock is held while git runs. If the branch moves meanwhile, the
    announcer's next round sees it.
    """
    # Two calls at once must not take the same number.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    row = LocalPullRequest.objects.filter(project=project, branch=branch).first()
    if row is None:
        highest = LocalPullRequest.objects.filter(project=project).aggregate(highest=Max("number"))["highest"]
        row = LocalPullRequest(project=project, branch=branch, number=(highest or 0) + 1)
    _settle(row, PullRequestState.OPEN, head)
    _notify()
    return row


@transaction.atomic
def close_pull(project: Project, branch: str) -> LocalPullRequest:
    """Close the pull request of `branch`; closing a closed one is no error. Raises RepositoryProblem."""
    row = LocalPullRequest.objects.select_for_update().filter(project=project, branch=branch).first()
    if row is None:
        raise RepositoryProblem(
            "no_pull_request",
            f"{project.name} has no pull request for the branch {branch}: there is nothing to close.",
        )
    _settle(row, PullRequestState.CLOSED, row.head_sha)
    _notify()
    return row


def observe(row: LocalPullRequest, repository: Repository, heads: Mapping[str, str]) -> None:
    """Update `row` from the repository and its `heads`.

    Raises RepositoryProblem, and changes nothing, when its branch cannot be read.
    """
    if row.state == PullRequestState.CLOSED:
        return
    head = heads.get(row.branch)
    if head is None:
        repository.require_gone(row.branch)
        _settle(row, PullRequestState.CLOSED, row.head_sha)
    else:
        _settle(row, PullRequestState.OPEN, head)


def _notify() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def _settle(row: LocalPullRequest, state: PullRequestState, head: str) -> None:
    """Save a change and the time of it; do nothing when there is none.

    Writes only these columns, and only if nobody else changed the row meanwhile: a person may close a pull request
    while the worker looks at it.
    """
    if row.pk is None:
        row.state, row.head_sha, row.changed_at = state, head, timezone.now()
        row.save(force_insert=True)
        return
    if (row.state, row.head_sha) == (state, head):
        return
    same = LocalPullRequest.objects.filter(pk=row.pk, changed_at=row.changed_at)
    changed_at = timezone.now()
    if same.update(state=state, head_sha=head, changed_at=changed_at):
        row.state, row.head_sha, row.changed_at = state, head, changed_at
    else:
        row.refresh_from_db()
