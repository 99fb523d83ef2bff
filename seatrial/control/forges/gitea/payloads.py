"""The parts of Gitea's webhook payloads that we read. All other fields are ignored."""

from pydantic import Field

from seatrial.control.forges.gitea.answers import Pull
from seatrial.control.forges.github.payloads import Account, Branch, Payload, Repository, Sha, Text


class PullRequestPayload(Payload):
    """Event `pull_request`, of every type."""

    action: Text
    repository: Repository
    pull_request: Pull


class HeadCommit(Payload):
    """The commit that a pushed ref leads to."""

    id: Sha


class PushPayload(Payload):
    """Event `push`, for branches and tags. `after` of an annotated tag is the tag, `head_commit` its commit."""

    ref: Branch
    before: Sha | None = None
    after: Sha
    head_commit: HeadCommit | None = None
    repository: Repository
    pusher: Account | None = None
    sender: Account | None = None


class RepositoryPayload(Payload):
    """Event `repository`."""

    action: Text
    repository: Repository


class IssueRef(Payload):
    """An issue or a pull request, below which somebody wrote."""

    number: int = Field(gt=0, lt=2**31)


class CommentRef(Payload):
    """A comment."""

    id: int
    body: Text | None = None
    user: Account | None = None


class CommentPayload(Payload):
    """Event `issue_comment`, for issues and pull requests."""

    action: Text
    is_pull: bool = False
    issue: IssueRef
    comment: CommentRef
    repository: Repository
