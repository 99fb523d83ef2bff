"""What our App at GitHub may do and is told: the manifest that it is made of, and what an App lacks."""

import json
from collections.abc import Collection, Mapping
from urllib.parse import quote, urlencode, urlsplit

from seatrial.control.forges.errors import ForgeError, UnfitConnection
from seatrial.control.forges.github.answers import ConversionAnswer
from seatrial.control.forges.github.client import GitHubClient, NoSuchThing, site_url
from seatrial.control.forges.github.forge import EVENTS

MAX_NAME = 34  # GitHub's
LEVELS = ("", "read", "write", "admin")
# The least that works, and what for. GitHub sends requests at check runs to everybody who may write them.
PERMISSIONS = {
    "checks": "write",  # seatrial/policies and seatrial/preview, and their buttons
    "contents": "read",  # agents fetch; pushes and tags are told
    "deployments": "write",  # View deployment
    "issues": "read",  # comments below pull requests are told as those of issues
    "metadata": "read",  # every App has it: names, topics, collaborators
    "pull_requests": "write",  # they are told, and commented on
}
# The permission without which GitHub refuses to tell.
TOLD_WITH = {
    "create": "contents",
    "issue_comment": "issues",
    "merge_group": "merge_queues",
    "pull_request": "pull_requests",
    "push": "contents",
    "release": "contents",
    "repository": "metadata",
}


def permissions() -> dict[str, str]:
    """What the App may do."""
    told = {TOLD_WITH[event]: "read" for event in EVENTS}
    return dict(sorted({**told, **PERMISSIONS}.items()))


def missing(given: Mapping[str, str], told: Collection[str]) -> list[str]:
    """What an App with these permissions and events lacks, for people."""
    lacks = [
        f"the permission {name.replace('_', ' ').capitalize()} ({level})"
        for name, level in permissions().items()
        if _level(given.get(name, "")) < _level(level)
    ]
    return [*lacks, *(f"the event {event}" for event in EVENTS if event not in told)]


def manifest(name: str, *, site: str, webhook: str, made: str, installed: str) -> str:
    """The manifest, for GitHub's form. It comes back to `made` with a code, and after each installation to `installed`."""
    return json.dumps(
        {
            "name": name[:MAX_NAME],
            "url": site,
            "hook_attributes": {"url": webhook, "active": True},
            "redirect_url": made,
            "setup_url": installed,
            "setup_on_update": True,
            "public": False,
            "default_permissions": permissions(),
            "default_events": list(EVENTS),
        }
    )


def form_address(base_url: str, organisation: str, state: str) -> str:
    """Where the form with the manifest goes: to the person's own settings, or to an organisation's."""
    where = f"/organizations/{quote(organisation, safe='')}" if organisation else ""
    return f"{site_url(base_url)}{where}/settings/apps/new?{urlencode({'state': state})}"


def converted(base_url: str, code: str) -> ConversionAnswer:
    """The App that GitHub made, for the code that it sent back. Works once, within an hour. Raises ForgeError."""
    client = GitHubClient(base_url, "")
    try:
        return client.send(
            "POST", f"/app-manifests/{quote(code, safe='')}/conversions", None, ConversionAnswer
        )
    except NoSuchThing:
        raise UnfitConnection(
            "GitHub does not know this code any more: it works once, within an hour. Create the App again."
        ) from None


def installing_address(base_url: str, app: ConversionAnswer) -> str:
    """The page at which the App is installed. Raises ForgeError if GitHub names another host."""
    if urlsplit(app.html_url)[:2] != urlsplit(site_url(base_url))[:2]:
        raise ForgeError(f"{base_url} says that its App is at {urlsplit(app.html_url).netloc}, another host")
    return f"{app.html_url}/installations/new"


def _level(word: str) -> int:
    return LEVELS.index(word) if word in LEVELS else 0
