"""The parts of GitLab's API answers that we read. All other fields are ignored."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from seatrial.control.forges.gitlab.payloads import Payload, Sha, Text, Time


class Answer(Payload):
    """Ignores fields that it does not know."""


class Person(Answer):
    """An account."""

    id: int
    username: Text


class Version(Answer):
    """What runs there."""

    version: Text = ""


class Token(Answer):
    """The token that a request was made with. It ends when the day `expires_at` begins, in UTC."""

    scopes: list[Text] = Field(default_factory=list)
    created_at: datetime | None = None
    expires_at: date | None = None


class RotatedToken(Answer):
    """A new token in place of the one that the request was made with."""

    token: Text = Field(repr=False, min_length=1)


class Access(Answer):
    """What an account may do, as a number."""

    access_level: int = 0


class Permissions(Answer):
    """What the credential may do to a project, by itself and by the project's group."""

    project_access: Access | None = None
    group_access: Access | None = None

    @property
    def level(self) -> int:
        """The higher of both."""
        return max((one.access_level for one in (self.project_access, self.group_access) if one), default=0)


class ProjectAnswer(Answer):
    """A project. `path` is its name in addresses, `name` what people call it."""

    id: int
    name: Text = ""
    path: Text
    path_with_namespace: Text
    web_url: Text
    http_url_to_repo: Text = ""
    default_branch: Text | None = None  # null for an empty repository
    description: Text | None = None
    topics: list[Text] = Field(default_factory=list)
    archived: bool = False
    visibility: Text = "private"
    created_at: datetime | None = None
    last_activity_at: datetime | None = None
    permissions: Permissions | None = None
    only_allow_merge_if_pipeline_succeeds: bool = False


class Member(Answer):
    """Somebody with access to a project."""

    username: Text
    access_level: int
    state: Text = "active"


class DiffRefs(Answer):
    """The commits that a merge request's changes lie between."""

    base_sha: Sha | None = None
    start_sha: Sha | None = None
    head_sha: Sha | None = None


class Pipeline(Answer):
    """A pipeline. That of a merge request may run on a commit that GitLab made."""

    id: int
    sha: Sha
    project_id: int | None = None
    ref: Text = ""

    @property
    def of_train(self) -> bool:
        """Whether a merge train made it, for the merge request and all that are merged before it."""
        return self.ref.startswith("refs/merge-requests/") and self.ref.endswith("/train")


class MergeRequest(Answer):
    """A merge request. Lists leave out `diff_refs` and `head_pipeline`; `sha` is null when its branch is gone."""

    iid: int
    state: Text
    title: Text = ""
    author: Person | None = None
    source_branch: Text
    target_branch: Text
    source_project_id: int | None = None  # null when the fork was deleted
    target_project_id: int
    sha: Sha | None = None
    draft: bool = False
    labels: list[Text] = Field(default_factory=list)
    updated_at: Time
    created_at: Time | None = None
    diff_refs: DiffRefs | None = None
    head_pipeline: Pipeline | None = None


class Status(Answer):
    """A commit status."""

    id: int
    name: Text
    status: Text
    description: Text | None = None
    target_url: Text | None = None
    author: Person | None = None


class Hook(Answer):
    """A project's webhook. GitLab never shows its tokens, only that there are some.

    `alert_status` is not `executable` while GitLab sends nothing there, because earlier webhooks failed.
    """

    id: int
    url: Text
    alert_status: Text = "executable"
    signing_token_present: bool = False


class SentEvent(Answer):
    """One attempt to send a delivery to a webhook. `response_status` has words when nobody answered.

    Anything may be in what was sent and what was answered.
    """

    id: int
    request_headers: Any = None
    request_data: Any = None
    response_headers: Any = None
    response_status: Any = None
    created_at: Time | None = None


class Note(Answer):
    """A comment."""

    id: int
    body: Text | None = None
    author: Person | None = None
    resolvable: bool = False
    resolved: bool = False
    resolved_by: Person | None = None


class Discussion(Answer):
    """Comments that belong together, at a line of a file or not."""

    id: Text
    notes: list[Note] = Field(default_factory=list)


class Environment(Answer):
    """A place where something runs, which a merge request shows."""

    id: int
    name: Text
    state: Text = "available"
    external_url: Text | None = None


class Deployment(Answer):
    """What was put into an environment."""

    id: int
    sha: Sha
    status: Text


class Made(Answer):
    """Something that was made, of which only the id matters."""

    id: int | str
