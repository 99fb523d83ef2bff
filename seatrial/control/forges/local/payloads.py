"""The payloads of the local forge's webhooks, which have the shape of GitHub's."""

import hashlib
import uuid
from pathlib import Path
from typing import Any

from seatrial.control.forges.local.git import Commit
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.events import PullRequestAction
from seatrial.control.projects.models import Project

NAMESPACE = uuid.UUID("5ea7121a-1000-5000-8000-000000000001")


def repository_number(path: str) -> int:
    """A stable number for a repository, as GitHub has one; derived from its path."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:6], "big")


def delivery_id(pull_request: LocalPullRequest, action: PullRequestAction) -> str:
    """An id that is the same for every attempt to announce the same change, so that the intake recognises repeats."""
    name = "\n".join(
        (
            pull_request.project_id,
            str(pull_request.number),
            str(pull_request.announcements),  # close, reopen and close again are three deliveries
            action,
            pull_request.head_sha,
        )
    )
    return str(uuid.uuid5(NAMESPACE, name))


def pull_request_payload(
    pull_request: LocalPullRequest, action: PullRequestAction, head: Commit | None, base_sha: str
) -> dict[str, Any]:
    """Event `pull_request`. `head` is None when the commit is gone (a branch deleted, its objects pruned).

    Without a `base_sha` (the default branch is gone), the head is used, because a payload must name a base.
    """
    project = pull_request.project
    author = {"login": head.author if head else "", "type": "User"}
    repository = repository_payload(project)
    when = pull_request.changed_at.isoformat()
    return {
        "action": str(action),
        "number": pull_request.number,
        "pull_request": {
            "number": pull_request.number,
            "state": str(pull_request.state),
            "title": head.subject if head else pull_request.branch,
            "user": author,
            "html_url": f"{project.web_url}#{pull_request.branch}",
            "head": {"ref": pull_request.branch, "sha": pull_request.head_sha, "repo": repository},
            "base": {
                "ref": project.default_branch,
                "sha": base_sha or pull_request.head_sha,
                "repo": repository,
            },
            "updated_at": when,
        },
        "repository": repository,
        "sender": author,
    }


def repository_payload(project: Project) -> dict[str, Any]:
    """The repository's part of a payload. The local forge identifies a repository by its `clone_url`."""
    return {
        "id": repository_number(project.external_id),
        "name": project.name,
        "full_name": f"local/{project.slug}",
        "html_url": project.web_url,
        "clone_url": project.external_id,
        "default_branch": project.default_branch,
        "private": True,
    }


def web_url(path: Path) -> str:
    """A local repository's address for people."""
    return path.as_uri()
