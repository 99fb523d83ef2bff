"""What GitHub has sent to a webhook, a repository's or an App's. It keeps that for three days, an Enterprise Server for seven."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from seatrial.control.forges.github.answers import Hook, SentDelivery, SentWhole
from seatrial.control.forges.github.client import GitHubClient
from seatrial.control.forges.http.problems import no_webhook
from seatrial.control.forges.protocol import KeptDelivery, MissedDelivery

KEPT_FOR, KEPT_BY_SERVER = timedelta(days=3), timedelta(days=7)


def webhooks(client: GitHubClient, repository: str, url: str) -> list[str]:
    """The addresses of the repository's webhooks that go to `url`."""
    hooks = f"{repository}/hooks"
    return [f"{hooks}/{hook.id}" for hook in client.pages(hooks, Hook) if hook.config.url == url]


def missed(client: GitHubClient, webhook: str, since: datetime) -> list[MissedDelivery]:
    """Those of one webhook of which no attempt was accepted, oldest first."""
    return not_accepted(attempts(client, webhook, since), webhook)


def not_accepted(attempts: Sequence[SentDelivery], webhook: str) -> list[MissedDelivery]:
    """Those of which none of `attempts` was accepted, oldest first. Attempts of one delivery have the same guid."""
    accepted = {one.guid for one in attempts if 200 <= one.status_code < 300}
    first = {one.guid: one for one in attempts if one.guid not in accepted}  # listed newest first
    return [
        MissedDelivery(
            delivery_id=one.guid, reference=f"{webhook}/deliveries/{one.id}", sent_at=one.delivered_at
        )
        for one in sorted(first.values(), key=lambda one: (one.delivered_at, one.id))
    ]


def attempts(client: GitHubClient, webhook: str, since: datetime) -> list[SentDelivery]:
    """All attempts since then, the newest first, as GitHub lists them."""
    listed = client.pages(f"{webhook}/deliveries", SentDelivery)
    return list(takewhile(lambda one: one.delivered_at >= since, listed))


def kept(client: GitHubClient, missed: MissedDelivery) -> KeptDelivery:
    """What was sent."""
    request = client.get(missed.reference, SentWhole).request
    headers = {name: value for name, value in (request.headers or {}).items() if value is not None}
    return KeptDelivery(headers=headers, body=json.dumps(request.payload or {}).encode())


def ping(client: GitHubClient, repository: str, url: str) -> None:
    """Have GitHub send a ping to the webhook that goes to `url`."""
    ours = webhooks(client, repository, url)
    if not ours:
        raise no_webhook(repository, url)
    client.order(f"{ours[0]}/pings")
