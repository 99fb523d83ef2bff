"""Reads GitHub's webhooks."""

from collections.abc import Mapping, Sequence

from seatrial.control.forges.github import app_parsing, parsing, pings, signature
from seatrial.control.forges.protocol import WebhookHeaders
from seatrial.control.projects.events import ForgeEvent

GITEAS = (
    "A Gitea or Forgejo sent this to the address of a GitHub connection. Connect it as what it is "
    "(Connections, kind Gitea or Forgejo), and use the address of that connection."
)


class GitHubWebhooks:
    """The webhook half of GitHub."""

    kept_headers = (
        "Content-Type",
        "User-Agent",
        "X-GitHub-Event",
        "X-GitHub-Delivery",
        "X-GitHub-Hook-ID",
        "X-GitHub-Hook-Installation-Target-Type",
        "X-GitHub-Enterprise-Host",
        "X-GitHub-Enterprise-Version",
    )

    def read(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """The id and the event. A delivery that is sent again keeps its id.

        Gitea and Forgejo send GitHub's headers as well, with a signature that fits, but payloads that do not.
        """
        return WebhookHeaders(
            delivery_id=headers.get("X-GitHub-Delivery", ""),
            event=headers.get("X-GitHub-Event", ""),
            misdirected=GITEAS if "X-Gitea-Event" in headers else "",
        )

    def signed(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        """Check X-Hub-Signature-256. The older SHA-1 signature proves nothing here."""
        return signature.verify(body, headers.get("X-Hub-Signature-256", ""), secrets)

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """The event in a payload; None for events that lead to nothing."""
        if event in app_parsing.EVENTS:
            return app_parsing.parse(event, body)
        return parsing.parse(event, body)

    def ping(self, secret: str, delivery_id: str) -> tuple[Mapping[str, str], bytes]:
        """A ping like GitHub's own."""
        return pings.ping(secret, delivery_id)
