"""The parts of GitHub's webhook payloads that we read. All other fields are ignored."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Sha = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
# Texts that are stored must fit their column, and PostgreSQL stores no NUL.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Branch = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", max_length=250)]
# `after` of a push that deletes its ref, `before` of one that makes it.
NO_COMMIT = frozenset({"0" * 40, "0" * 64})


class Payload(BaseModel):
    """Ignores fields that it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Account(Payload):
    """A person, an organisation or a bot."""

    login: Text = ""


class Repository(Payload):
    """`id` outlives renames."""

    id: int
    full_name: Text = ""
    clone_url: Text = ""
    html_url: Text = ""
    default_branch: Text = ""


class Side(Payload):
    """The head or the base of a pull request. `repo` is null when the fork was deleted."""

    ref: Branch
    sha: Sha
    repo: Repository | None = None


class Label(Payload):
    """A label of a pull request."""

    name: Text = ""


Number = Annotated[int, Field(gt=0, lt=2**31)]


class PullRequest(Payload):
    """A pull request, as of `updated_at`. Others that came with a null are as they mostly are."""

    number: Number
    state: Text = "open"
    draft: bool | None = False
    merged: bool | None = False
    labels: list[Label] | None = None
    title: Text = ""
    user: Account | None = None
    head: Side
    base: Side
    updated_at: AwareDatetime
    created_at: AwareDatetime | None = None


class PullRequestPayload(Payload):
    """Event `pull_request`."""

    action: Text
    repository: Repository
    pull_request: PullRequest


class PushPayload(Payload):
    """Event `push`, for branches and tags."""

    ref: Branch
    before: Sha | None = None
    after: Sha
    deleted: bool = False
    repository: Repository
    sender: Account | None = None


class RepositoryPayload(Payload):
    """Event `repository`."""

    action: Text
    repository: Repository


class MergeGroup(Payload):
    """A commit that a merge queue made, on a branch of its own."""

    head_sha: Sha
    head_ref: Branch
    base_sha: Sha | None = None


class MergeGroupPayload(Payload):
    """Event `merge_group`."""

    action: Text
    repository: Repository
    merge_group: MergeGroup


class Issue(Payload):
    """An issue, or a pull request, which then has a `pull_request`."""

    number: Number
    pull_request: dict[str, object] | None = None


class IssueComment(Payload):
    """A comment below it."""

    id: int
    body: Text | None = None
    user: Account | None = None


class IssueCommentPayload(Payload):
    """Event `issue_comment`."""

    action: Text
    repository: Repository
    issue: Issue
    comment: IssueComment


class CreatePayload(Payload):
    """Event `create`. It names no commit; the `push` that comes with it does."""

    ref: Branch | None = None  # null for a repository
    ref_type: Text
    repository: Repository
