"""Reads GitLab's webhooks."""

from collections.abc import Mapping, Sequence

from seatrial.control.forges.gitlab import parsing, signature
from seatrial.control.forges.protocol import WebhookHeaders
from seatrial.control.projects.events import ForgeEvent

SIGNATURE, IDENTITY, TIMESTAMP = "webhook-signature", "webhook-id", "webhook-timestamp"
# What stays the same when GitLab sends a delivery again comes first. GitLab has it since 17.4. Before that, each attempt
# has an id of its own, and the last one here is shared by webhooks that one push causes.
IDS = ("Idempotency-Key", IDENTITY, "X-Gitlab-Webhook-UUID", "X-Gitlab-Event-UUID")


class GitLabWebhooks:
    """The webhook half of GitLab.

    A delivery with a signature is judged by that alone, any other by its secret token: GitLab sends id and timestamp with
    both. The id of a signed one is what was signed, so that nobody can send it again as another. It may be of any age,
    because it is known by its id for as long as deliveries are kept, and later an event that is older than what we know
    changes nothing; a limit of minutes would refuse everything as soon as two clocks differ.
    """

    kept_headers = (
        "Content-Type",
        "User-Agent",
        "X-Gitlab-Event",
        "X-Gitlab-Event-UUID",
        "X-Gitlab-Instance",
        "X-Gitlab-Webhook-UUID",
        "Idempotency-Key",
        IDENTITY,
        TIMESTAMP,
    )

    def read(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """The id and the event."""
        names = (IDENTITY,) if SIGNATURE in headers else IDS
        found = (headers[name] for name in names if headers.get(name))
        return WebhookHeaders(delivery_id=next(found, ""), event=headers.get("X-Gitlab-Event", ""))

    def signed(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        """Check the signature if there is one, otherwise the secret token."""
        if SIGNATURE not in headers:
            return signature.known_token(headers.get("X-Gitlab-Token", ""), secrets)
        return signature.signed(
            headers[SIGNATURE], headers.get(IDENTITY, ""), headers.get(TIMESTAMP, ""), body, secrets
        )

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """The event in a payload; None for events that lead to nothing."""
        return parsing.parse(event, body)

    def ping(self, secret: str, delivery_id: str) -> tuple[Mapping[str, str], bytes]:
        """An event that leads to nothing, with the secret token."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "seatrial-test",
            "Idempotency-Key": delivery_id,
            "X-Gitlab-Event": "ping",
            "X-Gitlab-Token": secret,
        }
        return headers, b'{"object_kind": "ping"}'
