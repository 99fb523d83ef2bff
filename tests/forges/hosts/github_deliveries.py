"""GitHub's own list of what it sent to a webhook, and the test that it sends when asked."""

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from tests.forges.hosts.site import Delivery, Person

if TYPE_CHECKING:
    from tests.forges.hosts.github import Answering, GitHubSite

HOOK = "/repos/{owner}/{repo}/hooks/{hook_id}"
LIST = f"GET {HOOK}/deliveries"
ONE = f"GET {HOOK}/deliveries/{{delivery_id}}"


class GitHubDeliveries:
    """The newest comes first, and pages follow by a cursor, not by a number."""

    def __init__(self, site: "GitHubSite") -> None:
        self._site = site

    def operations(self) -> "dict[str, Answering]":
        return {LIST: self._list, ONE: self._one, f"POST {HOOK}/pings": self._ping}

    def _list(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        example = self._site.published.example(LIST)[0]
        return [{**example, **_shown(one)} for one in self._sent(person, parts)]

    def _one(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        (found,) = [one for one in self._sent(person, parts) if one.id == int(parts["delivery_id"])]
        example = self._site.published.example(ONE)
        asked = {"headers": found.headers, "payload": json.loads(found.body)}
        return {**example, **_shown(found), "request": asked}

    def _ping(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        webhook = self._site.find_webhook(person, parts)
        body = json.dumps({"zen": "Keep it logically awesome.", "hook_id": webhook.id}).encode()
        self._site.deliver(webhook, "ping", body, str(uuid.uuid4()))

    def _sent(self, person: Person, parts: dict[str, str]) -> list[Delivery]:
        webhook = self._site.find_webhook(person, parts)
        return [one for one in reversed(self._site.deliveries) if one.webhook == webhook.id]


def cursor_page(request: Request, items: list[Any], url: str) -> tuple[list[Any], str]:
    """The page behind the cursor, and where the next one is."""
    size = min(100, int(request.args.get("per_page", "30")))
    begin = int(request.args.get("cursor", "v1_0").removeprefix("v1_"))
    if begin + size >= len(items):
        return items[begin:], ""
    link = f'<{url}{request.path}?per_page={size}&cursor=v1_{begin + size}>; rel="next"'
    return items[begin : begin + size], link


def _shown(one: Delivery) -> dict[str, Any]:
    well = 200 <= one.status < 300
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": _time(one.at),
        "redelivery": False,
        "status": "OK" if well else "Invalid HTTP Response",
        "status_code": one.status or 502,
        "event": one.event,
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
