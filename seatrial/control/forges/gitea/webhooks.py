"""Reads the webhooks of Gitea and Forgejo. They also send GitHub's headers, which are not looked at."""

from collections.abc import Mapping, Sequence

from seatrial.control.forges.gitea import parsing
from seatrial.control.forges.github import signature
from seatrial.control.forges.protocol import WebhookHeaders
from seatrial.control.projects.events import ForgeEvent

NAMES = ("Gitea", "Forgejo")


class GiteaWebhooks:
    """The webhook half of Gitea and Forgejo, whose headers have one name or the other, or both."""

    kept_headers = (
        "Content-Type",
        "User-Agent",
        *(f"X-{name}-{what}" for name in NAMES for what in ("Event", "Event-Type", "Delivery")),
    )

    def read(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """The id and the event. A few events have only the more exact name, their type."""
        return WebhookHeaders(
            delivery_id=_first(headers, "Delivery"),
            event=_first(headers, "Event") or _first(headers, "Event-Type"),
        )

    def signed(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        """Check the signature: the same as GitHub's, without a prefix.

        A webhook without a secret has an empty one, which proves nothing, whatever the secrets are.
        """
        return signature.verify(body, f"{signature.PREFIX}{_first(headers, 'Signature')}", secrets)

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """The event in a payload; None for events that lead to nothing."""
        return parsing.parse(event, body)

    def ping(self, secret: str, delivery_id: str) -> tuple[Mapping[str, str], bytes]:
        """An event that leads to nothing."""
        body = b'{"zen": "Seatrial tries its own address."}'
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "seatrial-test",
            "X-Gitea-Event": "ping",
            "X-Gitea-Delivery": delivery_id,
            "X-Gitea-Signature": signature.sign(body, secret).removeprefix(signature.PREFIX),
        }
        return headers, body


def _first(headers: Mapping[str, str], what: str) -> str:
    return next((value for name in NAMES if (value := headers.get(f"X-{name}-{what}", ""))), "")
