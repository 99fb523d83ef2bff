"""What every code host can do for us, in two halves: its webhooks, and the forge itself, bound to one connection.

How a forge joins: `forges.registration`. Which ones there are: `forges.registry`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from seatrial.control.projects.events import (
    ForgeEvent,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    TagCreated,
)
from seatrial.control.projects.models import Project
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.states import DeploymentState, EvaluationState

__all__ = [
    "DeploymentReport",
    "EvaluationReport",
    "FetchCredential",
    "Forge",
    "ForgeEvent",
    "PullRequestAction",
    "PullRequestChanged",
    "Pushed",
    "TagCreated",
    "TakenFacts",
    "WebhookHeaders",
    "Webhooks",
]


@dataclass(frozen=True)
class WebhookHeaders:
    """What the headers of a webhook say, by names that differ from forge to forge. Empty where one is missing."""

    delivery_id: str
    event: str


@dataclass(frozen=True, kw_only=True)
class TakenFacts:
    """Facts, and the ETags of the answers they were read from, by address: what was said then need not be said again."""

    facts: ForgeFacts
    etags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FetchCredential:
    """What fetches exactly one repository over HTTPS, until it expires. Never stored, never in a repr."""

    username: str
    password: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class EvaluationReport:
    """An evaluation as a commit status: one per commit, edited in place by being sent again."""

    commit: str
    state: EvaluationState
    description: str
    page_url: str


@dataclass(frozen=True, kw_only=True)
class DeploymentReport:
    """The newest deployment of a pull request, as it shows there. `urls` is empty unless it is live."""

    number: int
    commit: str
    state: DeploymentState
    description: str
    page_url: str
    urls: Mapping[str, str]


class Webhooks(Protocol):
    """How one kind of forge tells what happened. Pure: asks nobody, touches no database, may be called anywhere.

    Headers are looked up without regard to case.
    """

    @property
    def kept_headers(self) -> Sequence[str]:
        """Names of the headers that are stored with a delivery. Never those that hold a signature or a token."""

    def read(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """The id and the event of a delivery."""

    def signed(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        """True when the sender of `body` proves to know one of `secrets`.

        All of them are tried, each in constant time, whichever it is that fits. An empty secret proves nothing.
        """

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """What a delivery tells; None when it is nothing to us. Raises UnreadablePayload."""


class Forge(Protocol):
    """One code host as one connection reaches it: client, credentials, request budget, ETags and clock in one object.

    Sync, and never called inside a database transaction: an answer may take its time, and locks must not wait for it.
    `forges.connected.Forges` hands out the same object to every thread of a process, so all of it is thread-safe; the
    object outlives no change of its connection's row.

    Nothing here is retried inside: who calls does that, but not what was `permanent`, and not before
    `retry_after_seconds`. The reports are idempotent, the same report twice leaves what one leaves, and need not tell
    every state in between. They return within two minutes. Everything raises ForgeError when the forge does not answer
    or answers nonsense.
    """

    def now(self) -> datetime:
        """The time by the forge's clock, as far as it is known. Asks nobody."""

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """Every open pull request as it is now: the truth that webhooks only make faster."""

    def facts(self, project: Project, commit: str, known: TakenFacts | None = None) -> TakenFacts:
        """What policies may ask about the repository at `commit` beyond its files.

        `known` is what was last taken of the project: where its ETags still hold, its facts do, and need not be sent.
        """

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """Tell the verdict on a commit."""

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """Tell how the preview of a pull request does."""

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        """What fetches exactly this repository, and nothing else; None where the repository needs none."""
