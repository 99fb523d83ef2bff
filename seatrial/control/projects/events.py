"""Events of forges, in one shape for all of them. `external_id` is the forge's own id of the repository."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PullRequestAction(StrEnum):
    """What happened to a pull request. Everything else that forges report about one is ignored."""

    OPENED = "opened"
    SYNCHRONIZE = "synchronize"
    REOPENED = "reopened"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class ForgeEvent:
    """Something happened in one repository."""

    external_id: str


@dataclass(frozen=True, kw_only=True)
class PullRequestChanged(ForgeEvent):
    """A pull request as it was at `changed_at`, by the forge's clock."""

    number: int
    action: PullRequestAction
    head_sha: str
    branch: str
    base_branch: str
    base_sha: str = ""  # the commit that the branch is compared with
    title: str
    author: str
    from_fork: bool
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pushed(ForgeEvent):
    """A branch has a new head. `ref` is the full name, refs/heads/..."""

    ref: str
    commit: str
    author: str
    before: str = ""  # the branch's previous head; empty for a new branch


@dataclass(frozen=True, kw_only=True)
class RepositoryChanged(ForgeEvent):
    """A repository was renamed, transferred or got another default branch; this is how it is now."""

    full_name: str
    clone_url: str
    web_url: str
    default_branch: str


@dataclass(frozen=True, kw_only=True)
class TagCreated(ForgeEvent):
    """A tag was made. `ref` is the full name, refs/tags/..."""

    ref: str
    commit: str
    author: str
