"""What GitHub has sent to a repository's webhook. It keeps that for three days, an Enterprise Server for seven."""

import json
from collections.abc import Iterator
from datetime import datetime

from seatrial.control.forges.github.answers import Hook, SentDelivery, SentWhole
from seatrial.control.forges.github.client import GitHubClient
from seatrial.control.forges.http.problems import no_webhook
from seatrial.control.forges.protocol import KeptDelivery, MissedDelivery


def webhooks(client: GitHubClient, repository: str, url: str) -> list[str]:
    """The addresses of the repository's webhooks that go to `url`."""
    hooks = f"{repository}/hooks"
    return [f"{hooks}/{hook.id}" for hook in client.pages(hooks, Hook) if hook.config.url == url]


def missed(client: GitHubClient, webhook: str, since: datetime) -> list[MissedDelivery]:
    """Those of one webhook of which no attempt was accepted, oldest first. Attempts of one delivery have the same guid."""
    attempts = list(_attempts(client, f"{webhook}/deliveries", since))
    accepted = {one.guid for one in attempts if 200 <= one.status_code < 300}
    first = {one.guid: one for one in attempts if one.guid not in accepted}  # listed newest first
    return [
        MissedDelivery(
            delivery_id=one.guid, reference=f"{webhook}/deliveries/{one.id}", sent_at=one.delivered_at
        )
        for one in sorted(first.values(), key=lambda one: (one.delivered_at, one.id))
    ]


def _attempts(client: GitHubClient, path: str, since: datetime) -> Iterator[SentDelivery]:
    """GitHub lists the newest first."""
    for one in client.pages(path, SentDelivery):
        if one.delivered_at < since:
            return
        yield one


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
