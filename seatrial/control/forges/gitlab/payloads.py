"""The parts of GitLab's webhook payloads that we read. All other fields are ignored."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Sha = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
# Texts that are stored must fit their column, and PostgreSQL stores no NUL.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Branch = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", max_length=250)]
# `after` of a push that deletes its ref, `before` of one that makes it.
NO_COMMIT = frozenset({"0" * 40, "0" * 64})


def _readable(value: Any) -> Any:
    """GitLab also writes 2015-05-17 18:21:36 UTC, and 2021-04-28 21:50:00 +0200."""
    if not isinstance(value, str):
        return value
    text = re.sub(r" UTC$", "Z", value)
    return re.sub(r" ([+-]\d\d):?(\d\d)$", r"\1:\2", text)


def _whole_seconds(value: datetime) -> datetime:
    return value.replace(microsecond=0)


# In whole seconds, because webhooks tell no more: the same time must be the same wherever it was read.
Time = Annotated[AwareDatetime, BeforeValidator(_readable), AfterValidator(_whole_seconds)]


class Payload(BaseModel):
    """Ignores fields that it does not know. What is null is as if it was left out: GitLab does either."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {name: value for name, value in content.items() if value is not None}


class Account(Payload):
    """Who did it. GitLab's examples leave out the id of some."""

    id: int | None = None
    username: Text = ""


class Label(Payload):
    """A label of a merge request."""

    title: Text = ""


class Commit(Payload):
    """A commit of a merge request."""

    id: Sha


class MergeRequestAttributes(Payload):
    """A merge request, as of `updated_at`. There is an `oldrev` when its branch moved, and only then."""

    iid: Annotated[int, Field(gt=0, lt=2**31)]
    action: Text = ""
    state: Text = ""
    title: Text = ""
    source_branch: Branch
    target_branch: Branch
    source_project_id: int | None = None
    target_project_id: int
    author_id: int | None = None
    last_commit: Commit | None = None  # null when the branch is gone
    oldrev: Text | None = None
    draft: bool | None = None
    work_in_progress: bool | None = None
    labels: list[Label] = Field(default_factory=list)
    updated_at: Time
    created_at: Time | None = None


class MergeRequestPayload(Payload):
    """Event `Merge Request Hook`. Where it names the project, it may leave out its number."""

    user: Account = Account()
    object_attributes: MergeRequestAttributes
    labels: list[Label] = Field(default_factory=list)


class PushPayload(Payload):
    """Events `Push Hook` and `Tag Push Hook`. For an annotated tag, `after` is the tag, `checkout_sha` its commit."""

    ref: Branch
    before: Sha | None = None
    after: Sha
    checkout_sha: Sha | None = None
    project_id: int
    user_username: Text | None = None


class NoteAttributes(Payload):
    """A comment. Before GitLab 16.11 there is no action, and comments that were edited are not told."""

    id: int
    note: Text = ""
    noteable_type: Text | None = None
    action: Text = "create"
    system: bool = False


class Noted(Payload):
    """The merge request that a comment is below."""

    iid: Annotated[int, Field(gt=0, lt=2**31)]


class NotePayload(Payload):
    """Event `Note Hook`."""

    project_id: int
    user: Account = Account()
    object_attributes: NoteAttributes
    merge_request: Noted | None = None
