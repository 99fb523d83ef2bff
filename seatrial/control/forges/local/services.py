"""What the rest of the control plane calls on the local forge."""

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.forges.errors import RepositoryProblem
from seatrial.control.forges.local import KIND, pulls
from seatrial.control.forges.local.git import open_repository
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.local.payloads import web_url
from seatrial.control.projects.models import Connection, Project
from seatrial.control.projects.services import ensure_project

__all__ = ["close_pull", "local_connection", "open_pull", "register"]


def local_connection(workspace: Workspace) -> Connection:
    """The connection to the workspace's local forge. Raises RepositoryProblem when the operator set up none."""
    connection = Connection.objects.filter(workspace=workspace, forge=KIND).order_by("id").first()
    if connection is None:
        raise RepositoryProblem("no_local_forge", f"The workspace {workspace.slug} has no local forge.")
    return connection


def register(connection: Connection, path: str, *, by: Actor) -> Project:
    """Put the repository that `path` is in under trial. Idempotent. Raises RepositoryProblem."""
    repository = open_repository(path)
    return ensure_project(
        connection,
        str(repository.path),
        name=repository.path.name.removesuffix(".git") or "repository",
        clone_url=str(repository.path),
        web_url=web_url(repository.path),
        default_branch=repository.default_branch(),
        by=by,
    )


def open_pull(project: Project, branch: str, *, by: Actor) -> LocalPullRequest:
    """Open `branch` as a pull request, or update the open one. Raises RepositoryProblem."""
    head = open_repository(project.external_id).head(branch)
    row = pulls.open_pull(project, branch, head)
    _record("pull_request.open", row, by)
    return row


def close_pull(project: Project, branch: str, *, by: Actor) -> LocalPullRequest:
    """Close the pull request of `branch`. Raises RepositoryProblem when it never had one."""
    row = pulls.close_pull(project, branch)
    _record("pull_request.close", row, by)
    return row


def _record(action: str, row: LocalPullRequest, by: Actor) -> None:
    project = row.project
    audit.record(
        action,
        f"project/{project.pk}/pull/{row.number}",
        by=by,
        workspace=project.workspace_id,
        details={"branch": row.branch, "commit": row.head_sha},
    )
