"""The parts of GitHub's API answers that we read. All other fields are ignored."""

from datetime import datetime

from pydantic import AwareDatetime, ConfigDict, Field

from seatrial.control.forges.github.payloads import Account, Payload, Repository, Sha, Text


class Answer(Payload):
    """Ignores fields that it does not know."""


class Me(Answer):
    """The account of the credential."""

    id: int
    login: Text


class Permissions(Answer):
    """What the credential may do to a repository."""

    admin: bool = False
    push: bool = False
    pull: bool = False


class RepositoryAnswer(Answer):
    """A repository."""

    id: int
    name: Text
    full_name: Text
    html_url: Text
    clone_url: Text = ""
    default_branch: Text = "main"
    description: Text | None = None
    topics: list[Text] = Field(default_factory=list)
    archived: bool = False
    private: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    permissions: Permissions = Permissions()


class SideAnswer(Answer):
    """The head or the base of a pull request. `repo` is null when the fork was deleted."""

    ref: Text
    sha: Sha
    repo: Repository | None = None


class Label(Answer):
    """A label of a pull request."""

    name: Text = ""


class PullAnswer(Answer):
    """A pull request."""

    number: int
    state: Text = "open"
    draft: bool = False
    merged_at: datetime | None = None
    labels: list[Label] = Field(default_factory=list)
    title: Text = ""
    user: Account | None = None
    head: SideAnswer
    base: SideAnswer
    updated_at: AwareDatetime
    created_at: AwareDatetime | None = None


class Collaborator(Answer):
    """Somebody with access to a repository."""

    login: Text
    role_name: Text = ""


class PermissionAnswer(Answer):
    """What an account may do to a repository: admin, write, read or none."""

    permission: Text


class HookConfig(Answer):
    """Where a webhook goes. GitHub never shows its secret."""

    url: Text = ""
    content_type: Text = ""
    insecure_ssl: str | int = "0"


class Hook(Answer):
    """A repository's webhook."""

    id: int
    active: bool = True
    events: list[Text] = Field(default_factory=list)
    config: HookConfig = HookConfig()


class Comment(Answer):
    """A comment below a pull request."""

    id: int
    body: Text | None = None
    user: Me | None = None


class StatusAnswer(Answer):
    """A commit status."""

    state: Text = ""
    context: Text = ""
    description: Text | None = None
    target_url: Text | None = None

    @property
    def body(self) -> dict[str, str]:
        """As it was sent."""
        return {
            "context": self.context,
            "state": self.state,
            "description": self.description or "",
            "target_url": self.target_url or "",
        }


class Made(Answer):
    """Something that was made, of which only the id matters."""

    id: int


class InstallationAnswer(Answer):
    """An App as one account has installed it."""

    id: int
    account: Account | None = None
    suspended_at: datetime | None = None


class TokenAnswer(Answer):
    """A token of an installation. Neither its repr nor an error shows it."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True)

    token: str = Field(repr=False, min_length=1)
    expires_at: AwareDatetime


class AppAnswer(Answer):
    """An App, and what it may do and is told."""

    id: int
    slug: Text
    html_url: Text = ""
    permissions: dict[str, str] = Field(default_factory=dict)
    events: list[Text] = Field(default_factory=list)


class ConversionAnswer(Answer):
    """An App that was just made of a manifest, with its secrets. Neither its repr nor an error shows them."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True)

    id: int
    slug: Text
    html_url: Text = ""
    pem: str = Field(repr=False)
    webhook_secret: str | None = Field(None, repr=False)


class AppOfRun(Answer):
    """The App that made a check run."""

    id: int


class RunOutput(Answer):
    """What a check run says."""

    title: str | None = None
    summary: str | None = None
    annotations_count: int = 0


class CheckRunAnswer(Answer):
    """A check run."""

    id: int
    name: Text = ""
    status: Text = ""
    conclusion: Text | None = None
    external_id: Text | None = None
    started_at: AwareDatetime | None = None
    details_url: str | None = None
    app: AppOfRun | None = None
    output: RunOutput = RunOutput()


class DeploymentAnswer(Answer):
    """A deployment of a commit to an environment."""

    id: int
    sha: Sha


class DeploymentStatusAnswer(Answer):
    """One of the states that a deployment has had."""

    id: int
    state: Text
    environment_url: Text = ""


class SentDelivery(Answer):
    """One attempt of GitHub to send a delivery. `status_code` is the answer it got; 0 or an error if there was none."""

    id: int
    guid: Text
    delivered_at: AwareDatetime
    status_code: int = 0
    repository_id: int | None = None  # what it was about; an App's list has those of all its repositories


class SentRequest(Answer):
    """What GitHub sent."""

    headers: dict[str, str | None] | None = None
    payload: dict[str, object] | None = None


class SentWhole(SentDelivery):
    """One attempt, with what was sent."""

    request: SentRequest = SentRequest()
