"""Events of forges, in one shape for all of them. `external_id` is the forge's own id of the repository."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PullRequestAction(StrEnum):
    """What happened to a pull request. Everything else that forges report about one is ignored.

    Only `closed` means that it is closed: whatever happens to one that is (a label, its title) is `closed` again.
    """

    OPENED = "opened"
    SYNCHRONIZE = "synchronize"
    REOPENED = "reopened"
    CLOSED = "closed"
    CHANGED = "changed"  # its title, labels, base, or whether it is a draft


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
    opened_at: datetime | None = None  # when it was made; None where the forge does not say
    draft: bool = False
    merged: bool = False  # only of one that is closed
    labels: tuple[str, ...] = ()


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


class Gone(StrEnum):
    """Why a repository takes no more changes."""

    ARCHIVED = "archived"
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True)
class RepositoryGone(ForgeEvent):
    """A repository was archived or deleted at the forge."""

    why: Gone


@dataclass(frozen=True, kw_only=True)
class RepositoryBack(ForgeEvent):
    """A repository that was archived at the forge takes changes again."""


@dataclass(frozen=True, kw_only=True)
class QueuedForMerge(ForgeEvent):
    """A merge queue or merge train asks for verdicts on `commit`, which it made from a pull request and its base.

    `ref` is the full name of the branch that it made, `number` that of the pull request, if it is known. Nothing is merged before every required name has a conclusion.
    """

    commit: str
    ref: str
    base_sha: str = ""
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Commented(ForgeEvent):
    """Somebody wrote a comment below the pull request `number`. `comment` is its id at the forge."""

    number: int
    comment: str
    author: str
    body: str


@dataclass(frozen=True, kw_only=True)
class TagCreated(ForgeEvent):
    """A tag was made. `ref` is the full name, refs/tags/..."""

    ref: str
    commit: str
    author: str


class CheckOrder(StrEnum):
    """What people can ask for at our reports on a commit."""

    RERUN = "rerun"  # the policies
    REBUILD = "rebuild"  # the preview
    STOP = "stop"  # the preview


@dataclass(frozen=True, kw_only=True)
class CheckAsked(ForgeEvent):
    """Somebody asked for something at our reports on `commit`. Whether they may is asked before it is done.

    `recipe`: of whose preview, as `Environment.recipe`; None: of all of them.
    """

    commit: str
    orders: tuple[CheckOrder, ...]
    author: str
    recipe: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReachChanged(ForgeEvent):
    """The connection reaches some repositories no more, and `why`; or again, if that is empty.

    `repositories` are their ids at the forge; if it is empty, all of the account `owner`. It is about no single
    repository, so `external_id` is empty.
    """

    repositories: tuple[str, ...]
    owner: str
    why: str = ""
