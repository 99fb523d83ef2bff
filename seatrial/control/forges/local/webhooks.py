"""Reads the local forge's webhooks. They are like GitHub's, but a repository is identified by its path."""

from collections.abc import Mapping, Sequence

from seatrial.control.forges.github import parsing, pings, signature
from seatrial.control.forges.github.payloads import Repository
from seatrial.control.forges.protocol import WebhookHeaders
from seatrial.control.projects.events import ForgeEvent


class LocalWebhooks:
    """The webhook half of the local forge."""

    kept_headers = ("Content-Type", "User-Agent", "X-GitHub-Event", "X-GitHub-Delivery")

    def read(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """The id and the event, from GitHub's headers."""
        return WebhookHeaders(
            delivery_id=headers.get("X-GitHub-Delivery", ""), event=headers.get("X-GitHub-Event", "")
        )

    def signed(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        """Check X-Hub-Signature-256."""
        return signature.verify(body, headers.get("X-Hub-Signature-256", ""), secrets)

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """Parse GitHub's payloads."""
        return parsing.parse(event, body, _path)

    def ping(self, secret: str, delivery_id: str) -> tuple[Mapping[str, str], bytes]:
        """A ping like GitHub's own."""
        return pings.ping(secret, delivery_id)


def _path(repository: Repository) -> str:
    return repository.clone_url
