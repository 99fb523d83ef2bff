"""A GitHub App is created from a manifest: two clicks, one session, once, and only by who may."""

import re
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.forges import hooks
from seatrial.control.forges.github.app import app_of
from seatrial.control.forges.github.needs import events, permissions
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.models import Connection
from tests.forges.hosts.github import GitHubSite
from tests.triggers.hosted import SHOP, Team
from tests.triggers.test_connection_pages import signed_in
from tests.triggers.test_hosted import handle

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def created(browser: Client, site: GitHubSite, team: Team, **changes: str) -> tuple[str, str]:
    """The address and the manifest of the form that goes to GitHub."""
    form = {"workspace": team.workspace.pk, "base_url": site.url, "name": "", "organisation": "", **changes}
    answer = browser.post("/connections/github-app/create", form)
    text = answer.content.decode()
    assert answer.status_code == 200, text
    policy = answer["Content-Security-Policy"]
    assert re.search(rf"form-action 'self' {re.escape(site.url)}(;|$)", policy), policy
    found = re.search(
        r'<form method="post" action="([^"]+)" data-send><input type="hidden" name="manifest" value="([^"]+)"',
        text,
    )
    assert found is not None
    return found[1], found[2].replace("&quot;", '"')


def confirmed(site: GitHubSite, address: str, manifest: str) -> str:
    """What GitHub sends the browser to, once its button was pressed."""
    shown = httpx.post(address, data={"manifest": manifest}, trust_env=False, verify=False)
    assert "Create GitHub App" in shown.text
    done = httpx.post(address, data={"manifest": manifest, "confirmed": "yes"}, trust_env=False, verify=False)
    there = urlsplit(done.headers["Location"])
    return f"{there.path}?{there.query}"


def test_two_clicks_make_an_app_and_its_connection(site: GitHubSite, team: Team) -> None:
    browser = signed_in(team, "owner")
    assert "form-action 'self';" in browser.get("/connections/github-app")["Content-Security-Policy"] + ";"
    address, manifest = created(browser, site, team, organisation="acme")
    assert address.startswith(f"{site.url}/organizations/acme/settings/apps/new?state=")
    back = confirmed(site, address, manifest)
    answer = browser.get(back)
    (app,) = site.apps.apps.values()
    assert answer.status_code == 302
    assert answer["Location"] == f"{site.url}/github-apps/{app.slug}/installations/new"
    row = Connection.objects.get()
    assert app.webhook.url == hooks.address(row) and str(row.webhook_secret) == app.webhook.secret
    assert app.permissions == permissions(queues=False) and app.webhook.events == events(queues=False)
    site.apps.install(app, site.repositories[SHOP])
    handle()
    assert Delivery.objects.get().result == "accepted"
    assert app.setup_url.endswith(f"/connections/{row.pk}/installed")
    chosen = browser.get(
        f"/connections/{row.pk}/installed?installation_id=1&setup_action=install", follow=True
    )
    assert SHOP in chosen.content.decode() and "Back from GitHub" in chosen.content.decode()
    again = browser.get(back, follow=True)
    assert "Create the App again" in again.content.decode() and Connection.objects.count() == 1


def test_a_token_becomes_an_app_under_the_same_name(site: GitHubSite, team: Team, connection: str) -> None:
    browser = signed_in(team, "owner")
    name = Connection.objects.get().name
    address, manifest = created(browser, site, team, name=name)
    browser.get(confirmed(site, address, manifest))
    row = Connection.objects.get()
    (app,) = site.apps.apps.values()
    assert row.pk == connection and app_of(str(row.credential)) is not None
    assert app.webhook.url == hooks.address(row)


def test_an_app_at_another_host_is_connected_and_nobody_is_sent_there(
    site: GitHubSite, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(team, "owner")
    back = confirmed(site, *created(browser, site, team))
    described = site.apps._described
    monkeypatch.setattr(
        site.apps, "_described", lambda app: {**described(app), "html_url": "https://evil.test/apps/x"}
    )
    answer = browser.get(back)
    assert answer["Location"] == f"/connections/{Connection.objects.get().pk}"


@pytest.mark.parametrize("how", ["another state", "no state", "another session", "an hour later", "no code"])
def test_what_was_not_begun_here_is_not_finished(
    how: str, site: GitHubSite, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(team, "owner")
    back = confirmed(site, *created(browser, site, team))
    if how == "another state":
        back = re.sub("state=[^&]+", "state=guessed", back)
    elif how == "no state":
        back = re.sub("&state=[^&]+", "", back)
    elif how == "another session":
        browser = signed_in(team, "owner")
    elif how == "no code":
        back = re.sub("code=[^&]+&", "", back)
    else:
        later = timezone.now() + timezone.timedelta(hours=2)
        monkeypatch.setattr("seatrial.control.forges.github.joining.timezone.now", lambda: later)
    answer = browser.get(back)
    assert answer.status_code == 302 and not Connection.objects.exists()


def test_somebody_who_lost_the_right_cannot_finish(site: GitHubSite, team: Team) -> None:
    browser = signed_in(team, "owner")
    back = confirmed(site, *created(browser, site, team))
    team.workspace.memberships.filter(user=team.people["owner"]).update(role="developer")
    assert browser.get(back).status_code == 403
    assert not Connection.objects.exists() and len(site.apps.codes) == 1


def test_nobody_begins_for_another_workspace(site: GitHubSite, team: Team) -> None:
    stranger = signed_in(team, "stranger")
    form = {"workspace": team.workspace.pk, "base_url": site.url}
    answer = stranger.post("/connections/github-app/create", form)
    assert "Select a valid choice" in answer.content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "github.com",
        "javascript:alert(1)",
        "https://a b",
        "http://[",
        "https://x; script-src *",
        "https://x\nY: 1",
    ],
)
def test_an_address_that_is_none_is_refused(address: str, team: Team) -> None:
    browser = signed_in(team, "owner")
    form = {"workspace": team.workspace.pk, "base_url": address}
    answer = browser.post("/connections/github-app/create", form)
    assert answer.status_code == 200 and "no address of a forge" in answer.content.decode()
