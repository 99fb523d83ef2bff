"""GitHub's pages about Apps: one is created from a manifest, and installed, with a button each."""

import json
import re
import secrets
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from tests.forges.hosts import pages

if TYPE_CHECKING:
    from tests.forges.hosts.github import GitHubSite

NEW = re.compile(r"(?:/organizations/[^/]+)?/settings/apps/new")
INSTALL = re.compile(r"/github-apps/(?P<slug>[^/]+)/installations/new")
PRESSED = re.compile(r"/(?P<name>[^/]+/[^/]+)/runs/(?P<run>\d+)/(?P<identifier>[a-z]+)")


def page(site: "GitHubSite", request: Request) -> Response | None:
    """The page at an address that has one."""
    if request.method == "POST" and NEW.fullmatch(request.path):
        return _confirm(request) if "confirmed" not in request.form else _create(site, request)
    if match := INSTALL.fullmatch(request.path):
        return _install(site, request, match["slug"])
    if request.method == "POST" and (match := PRESSED.fullmatch(request.path)):
        run = next(one for one in site.reports.runs if one["id"] == int(match["run"]))
        site.reports.press(run, match["identifier"], next(iter(site.repositories[match["name"]].members)))
        return redirect(request.headers.get("Referer", "/"))
    return None


def _confirm(request: Request) -> Response:
    wanted = json.loads(request.form["manifest"])
    rows = "".join(
        f"<li>{escape(name)}: {escape(level)}</li>" for name, level in wanted["default_permissions"].items()
    )
    hidden = f'<input type="hidden" name="manifest" value="{escape(request.form["manifest"])}">'
    form = (
        f'<form method="post">{hidden}<button name="confirmed" value="yes">Create GitHub App</button></form>'
    )
    return pages.plain(f"Create {wanted['name']}", f"<ul>{rows}</ul>{form}")


def _create(site: "GitHubSite", request: Request) -> Response:
    wanted = json.loads(request.form["manifest"])
    app = site.apps.create(
        re.sub(r"[^a-z0-9]+", "-", wanted["name"].lower()).strip("-"),
        permissions=wanted["default_permissions"],
        events=wanted["default_events"],
        url=wanted["hook_attributes"]["url"],
    )
    app.setup_url = wanted["setup_url"]
    code = secrets.token_hex(20)
    site.apps.codes[code] = app
    return redirect(f"{wanted['redirect_url']}?{urlencode({'code': code, 'state': request.args['state']})}")


def _install(site: "GitHubSite", request: Request, slug: str) -> Response:
    if request.method == "GET":
        return pages.plain(
            f"Install {slug}", '<form method="post"><button>Install on all repositories</button></form>'
        )
    app = next(one for one in site.apps.apps.values() if one.slug == slug)
    made = site.apps.install(app, *site.repositories.values())
    return redirect(f"{app.setup_url}?installation_id={made.id}&setup_action=install")
