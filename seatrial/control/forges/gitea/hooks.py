"""The webhooks of a repository.

Gitea and Forgejo neither show a webhook's secret nor change it: a change is accepted, and the secret stays as it was. So the
address that a webhook goes to carries a fingerprint of the secret that it was made with.
"""

import hashlib
import hmac

from seatrial.control.forges.gitea.answers import Hook, Made
from seatrial.control.forges.gitea.client import GiteaClient
from seatrial.control.forges.http.problems import no_webhook

# To some versions `pull_request` means all events of pull requests, to others one of them.
EVENTS = [
    "push",
    "repository",
    "pull_request",
    "pull_request_sync",
    "pull_request_label",
    "pull_request_comment",
]
LETTERS = 16


def ensure(client: GiteaClient, repository: str, url: str, secret: str) -> None:
    """Have exactly one webhook that goes to `url`, active and signing with `secret`.

    The new one is made before others are removed: an event that both report is handled once. Raises ForgeError.
    """
    address = f"{url}?key={fingerprint(url, secret)}"
    body = {"active": True, "events": EVENTS, "config": {"url": address, "content_type": "json"}}
    there = _going_to(client, repository, url)
    kept = next((hook for hook in there if hook.config.url == address), None)
    if kept is None:
        body["config"] = {"url": address, "content_type": "json", "secret": secret}
        client.send("POST", f"{repository}/hooks", {"type": "gitea", **body}, Made)
    else:
        client.send("PATCH", f"{repository}/hooks/{kept.id}", body, Made)
    for hook in there:
        if hook is not kept:
            client.delete(f"{repository}/hooks/{hook.id}")


def remove(client: GiteaClient, repository: str, url: str) -> None:
    """Remove every webhook that goes to `url`. Raises ForgeError; NoSuchThing when the repository is gone."""
    for hook in _going_to(client, repository, url):
        client.delete(f"{repository}/hooks/{hook.id}")


def test(client: GiteaClient, repository: str, url: str) -> None:
    """Have a push of the default branch's last commit sent to `url`. Raises ForgeError, a permanent one without a webhook."""
    there = _going_to(client, repository, url)
    if not there:
        raise no_webhook(repository, url)
    client.order(f"{repository}/hooks/{there[0].id}/tests")


def fingerprint(url: str, secret: str) -> str:
    """Tells secrets apart, and reveals no more of one than a signature does."""
    return hmac.new(secret.encode(), url.encode(), hashlib.sha256).hexdigest()[:LETTERS]


def _going_to(client: GiteaClient, repository: str, url: str) -> list[Hook]:
    hooks = client.pages(f"{repository}/hooks", Hook)
    return [hook for hook in hooks if hook.config.url.partition("?")[0] == url]
