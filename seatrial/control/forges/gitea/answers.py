"""The parts of Gitea's API answers that we read. All other fields are ignored."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from seatrial.control.forges.github.payloads import Account, Branch, Payload, Text

# Gitea writes an empty one where a branch is gone.
MaybeSha = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})?$")]
PULL_REFS = "refs/pull/"


class Answer(Payload):
    """Ignores fields that it does not know."""


class Version(Answer):
    """What runs there, such as `1.24.0`, or `12.0.1+gitea-1.22.0` for a Forgejo."""

    version: Text


class Me(Answer):
    """The account of the token."""

    id: int
    login: Text


class Permissions(Answer):
    """What the account may do to a repository."""

    admin: bool = False
    push: bool = False
    pull: bool = False


class RepositoryAnswer(Answer):
    """A repository."""

    id: int
    name: Text
    full_name: Text
    owner: Account | None = None
    html_url: Text
    clone_url: Text = ""
    default_branch: Text = ""
    description: Text | None = None
    topics: list[Text] | None = None  # older ones have them at an address of their own
    archived: bool = False
    private: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    permissions: Permissions | None = None


class Topics(Answer):
    """The topics of a repository."""

    topics: list[Text] | None = None


class Side(Answer):
    """The head or the base of a pull request. `repo_id` is -1 when the fork was deleted."""

    ref: Branch
    sha: MaybeSha = ""
    repo_id: int = -1


class Label(Answer):
    """A label of a pull request."""

    name: Text = ""


class Pull(Answer):
    """A pull request, in answers and in webhooks."""

    number: Annotated[int, Field(gt=0, lt=2**31)]
    state: Text = "open"
    title: Text = ""
    draft: bool | None = None  # older ones only have the title
    merged: bool = False
    labels: list[Label] | None = None
    user: Account | None = None
    head: Side
    base: Side
    updated_at: AwareDatetime
    created_at: AwareDatetime | None = None


class Collaborator(Answer):
    """Somebody with access to a repository."""

    login: Text


class Permission(Answer):
    """What an account may do to a repository: owner, admin, write, read or none."""

    permission: Text


class HookConfig(Answer):
    """Where a webhook goes. Its secret is never shown."""

    url: Text = ""


class Hook(Answer):
    """A repository's webhook."""

    id: int
    config: HookConfig = HookConfig()


class Comment(Answer):
    """A comment below a pull request."""

    id: int
    body: Text | None = None
    user: Me | None = None


class StatusAnswer(Answer):
    """A commit status. What is `state` when it is sent is `status` when it is shown."""

    status: Text = ""
    context: Text = ""
    description: Text | None = None
    target_url: Text | None = None

    @property
    def body(self) -> dict[str, str]:
        """As it was sent."""
        return {
            "context": self.context,
            "state": self.status,
            "description": self.description or "",
            "target_url": self.target_url or "",
        }


class Made(Answer):
    """Something that was made, of which only the id matters."""

    id: int
