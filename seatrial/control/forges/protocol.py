"""What every kind of forge must implement, in two parts: its webhooks, and the forge itself, bound to one connection.

`forges.registration` says how a forge is registered, `forges.registry` lists those that are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from seatrial.control.forges.http.budget import Allowances
from seatrial.control.projects.events import (
    CheckAsked,
    CheckOrder,
    Commented,
    ForgeEvent,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    QueuedForMerge,
    ReachChanged,
    RepositoryBack,
    RepositoryChanged,
    RepositoryGone,
    TagCreated,
)
from seatrial.control.projects.models import Project
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.states import DeploymentState, EvaluationState

__all__ = [
    "EVERYTHING",
    "Annotation",
    "Asked",
    "Budgeted",
    "CheckAsked",
    "CommentReport",
    "Commented",
    "Contents",
    "DeploymentReport",
    "EvaluationReport",
    "FetchCredential",
    "Forge",
    "ForgeAccount",
    "ForgeEvent",
    "ForgeRepository",
    "HostedForge",
    "KeepsDeliveries",
    "KeptDelivery",
    "MissedDelivery",
    "PreviewReport",
    "PullRequestAction",
    "PullRequestChanged",
    "Pushed",
    "QueuedForMerge",
    "ReachChanged",
    "RepositoryBack",
    "RepositoryChanged",
    "RepositoryGone",
    "Right",
    "SignsPings",
    "Subject",
    "TagCreated",
    "TakenFacts",
    "TriesWebhooks",
    "WebhookHeaders",
    "Webhooks",
]


@dataclass(frozen=True)
class WebhookHeaders:
    """What we read from a webhook's headers, whose names differ from forge to forge. Empty if a header is missing.

    `misdirected`: why no such delivery can be read here, because another kind of forge sent it.
    """

    delivery_id: str
    event: str
    misdirected: str = ""


class Asked(StrEnum):
    """Facts that take requests of their own, so that they are only asked for when a policy wants them."""

    MEMBERS = "members"
    PROTECTION = "protection"


EVERYTHING = frozenset(Asked)


@dataclass(frozen=True, kw_only=True)
class TakenFacts:
    """Facts, and the ETags of the answers they were read from, by address.

    Given the ETags, the forge need not send again what has not changed.
    """

    facts: ForgeFacts
    etags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FetchCredential:
    """A credential that fetches exactly one repository over HTTPS, until it expires. Never stored, never in a repr."""

    username: str
    password: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Something that a policy found at a line of a file. `line` counts from 1."""

    path: str
    line: int
    title: str
    message: str
    failed: bool


class Subject(StrEnum):
    """What a verdict is about. Each has a name of its own at the forge."""

    COMMIT = "commit"
    PREVIEW = "preview"  # of the commit, as live policies see it
    POLICIES = "policies"  # that the commit would change


@dataclass(frozen=True, kw_only=True)
class EvaluationReport:
    """The verdict on a commit, or on what else its `subject` says. There is one of each per commit; sending it again replaces it.

    `identity` is the same in every report on one evaluation, and in no other. `summary` is Markdown, for forges that show
    more than a line. `number` is that of the commit's pull request, if any. `unsure`: the forge may have heard it already,
    so it is asked first where it would show the same twice.
    """

    commit: str
    state: EvaluationState
    description: str
    page_url: str
    summary: str = ""
    annotations: Sequence[Annotation] = ()
    number: int | None = None
    identity: str = ""
    subject: Subject = Subject.COMMIT
    unsure: bool = False


@dataclass(frozen=True, kw_only=True)
class PreviewReport:
    """What a commit says about its preview by one recipe, under the name that may be required. There is one per commit and
    recipe; sending it again replaces it. `recipe` is a further one of the project, by its folder; empty: the first.

    Where there is no preview and none will be (a commit of a merge queue, a pull request whose preview is withheld) the
    state is live although nothing is: the required name must succeed. `urls` is empty unless something is live. `number` is
    that of the pull request that decided, if any. `orders`: what people may ask for there. `unsure`: see EvaluationReport.
    """

    commit: str
    state: DeploymentState
    description: str
    page_url: str
    urls: Mapping[str, str] = field(default_factory=dict)
    number: int | None = None
    orders: Sequence[CheckOrder] = ()
    unsure: bool = False
    recipe: str = field(default="", repr=False)

    def named(self, first: str) -> str:
        """Its name, where `first` is that of previews by the first recipe."""
        return f"{first} ({self.recipe})" if self.recipe else first


@dataclass(frozen=True, kw_only=True)
class DeploymentReport:
    """The newest deployment of a pull request, as forges list it beside the commits. `urls` is empty unless it is live.

    `environment` is the name of the preview. `ended`: the preview is gone, or will be. `recipe`: see PreviewReport.
    """

    number: int
    commit: str
    state: DeploymentState
    description: str
    page_url: str
    urls: Mapping[str, str]
    environment: str
    ended: bool = False
    recipe: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class CommentReport:
    """A comment of ours below a pull request, as Markdown. `known` is its id at the forge, if we know it.

    There is one of each `mark`, which readers do not see.
    """

    number: int
    body: str
    known: str = ""
    mark: str = "pull-request"


@dataclass(frozen=True, kw_only=True)
class Right:
    """One thing that a credential may be allowed to do, and what people miss without it.

    `given`: None when the forge does not say.
    """

    name: str
    given: bool | None
    without: str


@dataclass(frozen=True, kw_only=True)
class ForgeAccount:
    """Whom a connection acts as. `missing` names, for people, what the credential needs and lacks.

    `version`: what the forge says that it is, such as "Forgejo 11.0"; empty: it does not say.
    """

    login: str
    missing: Sequence[str] = ()
    expires_at: datetime | None = None  # of the credential; None: never, or the forge does not say
    version: str = ""
    rights: Sequence[Right] = ()


@dataclass(frozen=True, kw_only=True)
class ForgeRepository:
    """A repository that a connection can reach. `manageable`: the credential may register webhooks there."""

    external_id: str
    full_name: str  # owner/name; may change, external_id does not
    name: str
    clone_url: str
    web_url: str
    default_branch: str
    private: bool = True
    archived: bool = False
    manageable: bool = True


@dataclass(frozen=True, kw_only=True)
class KeptDelivery:
    """What its forge sent, or meant to send. The headers are looked up without regard to case."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class MissedDelivery:
    """A delivery that nobody accepted, as its forge lists it. `delivery_id` is the same in all attempts to send it.

    `reference` and `kept` are for `KeepsDeliveries.kept_delivery`; what they mean is the forge's own affair. `sent_at` may
    be too early, and is never too late.
    """

    delivery_id: str
    reference: str
    sent_at: datetime
    kept: KeptDelivery | None = None


class Webhooks(Protocol):
    """How the webhooks of one kind of forge are read. Sends no request and uses no database, so may be called anywhere.

    Headers are looked up without regard to case.
    """

    @property
    def kept_headers(self) -> Sequence[str]:
        """Names of the headers that are stored with a delivery. Never those that hold a signature or a token."""

    def read(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """The id and the event of a delivery."""

    def signed(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        """True when the sender of `body` proves to know one of `secrets`.

        All secrets are compared, each in constant time, even after one has matched. An empty secret proves nothing.
        """

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """The event in a delivery; None when we ignore it. Raises UnreadablePayload."""


class Contents(Protocol):
    """One repository's files. Not thread-safe; every method raises ForgeError."""

    def tip(self, branch: str) -> str:
        """The newest commit of the branch. Raises NoSuchThing."""

    def files(self, commit: str, folder: str) -> dict[str, str]:
        """Every ordinary file in the folder and below, by its path from the root, and the id of what is in it.

        Links and submodules are left out. No such folder: no files.
        """

    def texts(self, ids: Iterable[str]) -> dict[str, str]:
        """What is in the files with these ids of `files`; what is no UTF-8 is replaced by a mark that people see."""

    def follows(self, commit: str, earlier: str) -> bool:
        """Whether `earlier` is `commit` or in its history, as far back as the forge lets us look."""


class Forge(Protocol):
    """One code host as one connection reaches it: client, credentials, request budget, ETags and clock in one object.

    Synchronous, and never called inside a database transaction, because locks would be held while the forge takes its
    time. `forges.connected.Forges` gives the same object to every thread of a process, so all of it is thread-safe.
    When the connection's row changes, a new object replaces it.

    When the forge accepts few more requests, those of less urgency (`urgency.asking`) raise Limited, and are not sent.
    Nothing is retried here; the caller retries, unless the error was `permanent`, and not before `retry_after_seconds`.
    Reports are idempotent: sending one twice has the effect of sending it once. States in between may be left out.
    Reports return within two minutes. Every call raises ForgeError when the forge does not answer or its answer cannot
    be used.
    """

    def now(self) -> datetime:
        """The time by the forge's clock, as far as it is known. Sends no request."""

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """Every open pull request as it is now. Webhooks only tell us the same sooner.

        Raises Moved when the project's name leads elsewhere, as far as the forge shows that.
        """

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        """What policies may ask about the repository at `commit` beyond its files. Of what takes requests of its own, only what is
        `asked`; the rest is left empty.

        `known` are facts taken before: the forge need not send again what its ETags show to be unchanged.
        """

    def head(self, project: Project, branch: str) -> str:
        """The newest commit of a branch. Raises ForgeError, a permanent one when there is no such branch."""

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """Report the verdict on a commit."""

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        """Report what a commit says about its preview."""

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """Have the preview of a pull request listed as it is, where the forge lists previews."""

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        """A credential that fetches exactly this repository; None if the repository needs none."""

    def contents(self, project: Project) -> Contents:
        """The files of the repository, to be read now. Sends no request, unless for the credential."""


@runtime_checkable
class Budgeted(Protocol):
    """A forge that limits how many requests it accepts. Every forge that is reached over HTTP is one."""

    @property
    def allowances(self) -> Allowances:
        """What it still accepts from the connection, and how fast. `Forges` shares it with the other processes."""


@runtime_checkable
class HostedForge(Forge, Protocol):
    """A forge on a server of its own: repositories are chosen there, and webhooks and comments go there.

    The same contract as of Forge. Everything here may be repeated.
    """

    def account(self) -> ForgeAccount:
        """Whom the credential belongs to, and what it lacks. It is how a credential is tried."""

    def repositories(self) -> Iterator[ForgeRepository]:
        """Every repository that the credential reaches, page by page."""

    def repository(self, full_name: str) -> ForgeRepository:
        """One repository, by its name or a former one."""

    def repository_of(self, project: Project) -> ForgeRepository:
        """The project's own repository, whatever its name is now."""

    def ensure_webhook(self, project: Project, url: str, secret: str) -> None:
        """Have the forge send the project's events to `url`, signed with `secret`.

        A webhook that goes there already is corrected and switched on again; there is never a second one.
        """

    def remove_webhook(self, project: Project, url: str) -> None:
        """Remove the webhooks that go to `url`. A repository that is gone is no error."""

    def report_comment(self, project: Project, report: CommentReport) -> str:
        """Write our comment below a pull request, and return its id. A comment that was deleted is made again.

        Without a known id, one that an earlier call made is found, so that there are never two.
        """

    def pull_request(self, project: Project, number: int) -> PullRequestChanged:
        """One pull request as it is now: closed or open, its head, its labels.

        Raises ForgeError, a permanent one when there is none.
        """

    def may_write(self, project: Project, login: str) -> bool:
        """Whether the forge says that this account may write to the repository. Nobody else gives orders there."""

    def may_read(self, project: Project, login: str) -> bool:
        """Whether the forge says that this account may read the repository's code, as anybody may of a public one."""

    def acknowledge(self, project: Project, event: Commented, *, done: bool) -> None:
        """Show below a comment that its order was carried out, or that it was not, with a reaction."""


@runtime_checkable
class KeepsDeliveries(Protocol):
    """A hosted forge that keeps what it sent, so that missed deliveries can be read there. The contract of Forge."""

    @property
    def keeps_for(self) -> timedelta:
        """For how long."""

    def missed_deliveries(self, project: Project, url: str, since: datetime) -> list[MissedDelivery]:
        """Those sent to `url` from `since` on (the forge's clock) of which no attempt was accepted, oldest first.

        Empty when the project has no webhook that goes there. Where there are very many, the oldest may be missing.
        """

    def kept_delivery(self, project: Project, missed: MissedDelivery) -> KeptDelivery:
        """What was sent. Its headers may lack the signature: the forge itself says it here."""


@runtime_checkable
class TriesWebhooks(Protocol):
    """A hosted forge that sends a test when it is asked to. The contract of Forge."""

    def test_webhook(self, project: Project, url: str) -> None:
        """Have the forge send a test of the project's webhook to `url`.

        Returns when the forge has agreed; the test comes later. Raises ForgeError, a permanent one when there is no
        such webhook.
        """


@runtime_checkable
class SignsPings(Protocol):
    """Webhooks of a kind that we can imitate, to try our own address."""

    def ping(self, secret: str, delivery_id: str) -> tuple[Mapping[str, str], bytes]:
        """The headers and the body of a delivery that leads to nothing, signed with `secret`."""
