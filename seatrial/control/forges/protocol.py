"""What every code host can do for us. One implementation per kind of forge, found by `forges.registry`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from seatrial.control.projects.events import (
    ForgeEvent,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    TagCreated,
)
from seatrial.control.projects.models import Project
from seatrial.wire.deployments import Source
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.states import DeploymentState, EvaluationState

__all__ = [
    "DeploymentReport",
    "EvaluationReport",
    "Forge",
    "ForgeEvent",
    "PullRequestAction",
    "PullRequestChanged",
    "Pushed",
    "TagCreated",
    "WebhookHeaders",
]


@dataclass(frozen=True)
class WebhookHeaders:
    """What the headers of a webhook say, by names that differ from forge to forge. Empty where one is missing."""

    delivery_id: str
    event: str
    signature: str


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


class Forge(Protocol):
    """One kind of code host. Sync; called by the web process (the webhook half) and the worker (the rest).

    Nothing here is retried inside: who calls does that, but not what was `permanent`, and not before
    `retry_after_seconds`. The reports are idempotent, the same report twice leaves what one leaves, and need not tell
    every state in between. They return within two minutes. Everything raises ForgeError when the forge does not answer
    or answers nonsense.
    """

    def headers(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """Read a webhook's headers (looked up without regard to case)."""

    def signed(self, body: bytes, signature: str, secret: str) -> bool:
        """True when `signature` proves that the sender of `body` knows `secret`. Takes the same time either way."""

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """What a delivery tells; None when it is nothing to us. Raises UnreadablePayload. Touches no database."""

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """Every open pull request as it is now: the truth that webhooks only make faster."""

    def facts(self, project: Project) -> ForgeFacts:
        """What policies may ask about the repository beyond its files."""

    def source(self, project: Project) -> Source:
        """Where agents fetch the code from."""

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """Tell the verdict on a commit."""

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """Tell how the preview of a pull request does."""
