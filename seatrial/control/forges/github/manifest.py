"""Makes an App at GitHub from a manifest."""

import json
from urllib.parse import quote, urlencode, urlsplit

from seatrial.control.forges.errors import ForgeError, UnfitConnection
from seatrial.control.forges.github.answers import ConversionAnswer
from seatrial.control.forges.github.client import GitHubClient, is_server, site_url
from seatrial.control.forges.github.needs import events, permissions
from seatrial.control.forges.http.problems import NoSuchThing

MAX_NAME = 34  # GitHub's


def manifest(base_url: str, name: str, *, site: str, webhook: str, made: str, installed: str) -> str:
    """The manifest, for GitHub's form. It comes back to `made` with a code, and after each installation to `installed`."""
    queues = not is_server(base_url)
    return json.dumps(
        {
            "name": name[:MAX_NAME],
            "url": site,
            "hook_attributes": {"url": webhook, "active": True},
            "redirect_url": made,
            "setup_url": installed,
            "setup_on_update": True,
            "public": False,
            "default_permissions": permissions(queues=queues),
            "default_events": events(queues=queues),
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
