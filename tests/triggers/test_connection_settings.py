"""The settings of a connection: what it may do, its credential, its secrets, and what is wrong with it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges import accounts
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Account, Hook
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.site import Site
from tests.triggers.hosted import BOT, SHOP, Team

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


@pytest.fixture
def browser(team: Team) -> Client:
    client = Client()
    client.force_login(team.people["owner"])
    return client


def page(browser: Client, connection: str, more: str = "") -> str:
    return browser.get(f"/connections/{connection}{more}").content.decode()


def test_what_the_forge_said_is_shown_without_asking_it_again(
    browser: Client, connection: str, site: Site, team: Team
) -> None:
    asked = len(site.asked)
    for path in ("", "/access"):
        text = page(browser, connection, path)
        assert BOT in text and "Webhooks (write)" in text and "Agents cannot fetch code" in text
    (shown,) = team.call("owner", "GET", "/connections")[1]
    assert shown["account"]["login"] == BOT and not shown["account"]["ends_soon"]
    assert {one["given"] for one in shown["account"]["rights"]} == {True}
    assert team.call("owner", "GET", f"/connections/{connection}")[1] == shown
    assert len(site.asked) == asked


@pytest.mark.parametrize(
    ("days", "warned", "said"),
    [(13, True, ">in 13 days"), (15, False, ">in 15 days"), (-2, True, "ended <time")],
)
def test_a_credential_that_ends_is_seen_coming(
    browser: Client, connection: str, team: Team, days: int, warned: bool, said: str
) -> None:
    Account.objects.update(expires_at=timezone.now() + timedelta(days=days, minutes=5))
    text = page(browser, connection)
    assert ('id="ending"' in text) is warned and said in text
    assert ("The credential of" in browser.get("/").content.decode()) is warned
    assert (">credential end" in browser.get("/connections").content.decode()) is warned
    assert team.call("owner", "GET", f"/connections/{connection}")[1]["account"]["ends_soon"] is warned
    developer = Client()
    developer.force_login(team.people["developer"])
    assert "The credential of" not in developer.get("/").content.decode()


def test_the_forge_is_asked_again_every_hour_and_its_silence_is_shown(
    browser: Client, connection: str, site: Site
) -> None:
    forges = Forges()
    asked = len(site.asked)
    accounts.look_due(forges)
    assert len(site.asked) == asked
    Account.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    site.person("other")
    site.people[BOT].token = "another"
    accounts.look_due(forges)
    assert "401" in Account.objects.get().problem and Account.objects.get().login == BOT
    assert "The connection does not work now" in page(browser, connection)
    assert "does not work" in browser.get("/connections").content.decode()


def test_a_credential_is_tried_before_it_replaces_the_present_one(
    browser: Client, connection: str, site: Site, team: Team
) -> None:
    path = f"/connections/{connection}/credential"
    before = str(Connection.objects.get().credential)
    refused = browser.post(path, {"credential": "wrong-one"})
    assert refused.status_code == 200 and "401" in refused.content.decode()
    assert "wrong-one" not in refused.content.decode()
    assert str(Connection.objects.get().credential) == before
    status, answer = team.call("owner", "PATCH", f"/connections/{connection}", {"credential": "wrong"})
    assert status == 400 and "401" in answer["error"]["message"]
    other = site.person("other-bot")
    taken = browser.post(path, {"credential": other.token}, follow=True).content.decode()
    assert "acts as other-bot" in taken and other.token not in taken
    assert str(Connection.objects.get().credential) == other.token
    status, answer = team.call("owner", "PATCH", f"/connections/{connection}", {"credential": before})
    assert status == 200 and answer["account"]["login"] == BOT
    entries = AuditEntry.objects.filter(action="connection.replace_credential")
    assert entries.count() == 2 and before not in str(list(entries.values()))


def test_a_new_credential_has_missing_webhooks_tried_again(
    browser: Client, connection: str, site: Site, team: Team, lanes: Lanes
) -> None:
    site.repositories[SHOP].members = {BOT: "write"}
    team.call("owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]})
    lanes()
    text = page(browser, connection)
    assert f"No webhook in {SHOP}" in text and "tried again every hour" in text and "By hand" not in text
    site.repositories[SHOP].members = {BOT: "admin"}
    browser.post(f"/connections/{connection}/credential", {"credential": site.people[BOT].token})
    lanes()
    assert "No webhook in" not in page(browser, connection)
    assert len(site.repositories[SHOP].webhooks) == 1


def test_both_secrets_are_valid_for_a_while_and_the_page_says_until_when(
    browser: Client, connection: str, team: Team
) -> None:
    assert "two secrets are valid" not in page(browser, connection)
    status, answer = team.call("owner", "POST", f"/connections/{connection}/rotate-webhook-secret")
    assert status == 200 and answer["secret"] == str(Connection.objects.get().webhook_secret)
    text = page(browser, connection)
    assert "two secrets are valid" in text and "in 23 hours" in text and answer["secret"] not in text
    assert team.call("owner", "GET", f"/connections/{connection}")[1]["previous_secret_until"]
    Connection.objects.update(previous_valid_until=timezone.now())
    assert "two secrets are valid" not in page(browser, connection)


def test_a_connection_without_a_secret_has_its_badge_wherever_it_is_picked(
    browser: Client, connection: str
) -> None:
    row = Connection.objects.get()
    row.webhook_secret = ""
    row.save()
    for path in (
        "/connections",
        *(f"/connections/{connection}{end}" for end in ("", "/access", "/repositories")),
    ):
        assert "no webhook secret" in browser.get(path).content.decode(), path


def test_a_connection_is_renamed(browser: Client, connection: str, team: Team) -> None:
    other = Connection.objects.get()
    browser.post(f"/connections/{connection}/name", {"name": "  The bot "})
    assert Connection.objects.get().name == "The bot"
    Connection.objects.create(workspace=other.workspace, forge=other.forge, name="taken")
    status, answer = team.call("owner", "PATCH", f"/connections/{connection}", {"name": "taken"})
    assert status == 400 and "is called taken" in answer["error"]["message"]
    refused = browser.post(f"/connections/{connection}/name", {"name": " "}, follow=True)
    assert "1 to 200 characters" in refused.content.decode()
    assert AuditEntry.objects.filter(action="connection.rename").count() == 1


def test_an_empty_workspace_is_led_and_nothing_is_lost_in_the_middle(
    browser: Client, site: Site, team: Team, lanes: Lanes
) -> None:
    assert 'href="/connections/new"' in browser.get("/").content.decode()
    entered = {"workspace": team.workspace.pk, "base_url": site.url, "credential": site.people[BOT].token}
    browser.post("/connections/new/github", entered)
    row = Connection.objects.get()
    left = browser.get("/").content.decode()
    assert f"/connections/{row.pk}/repositories" in left and "no repository is under trial" in left
    browser.post(f"/connections/{row.pk}/repositories", {"repository": SHOP, "choose": "yes"})
    project = Project.objects.get()
    first = page(browser, row.pk, "/first")
    assert "is being registered" in first and "No verdict yet" in first and "No preview yet" in first
    assert f"/projects/{project.pk}" in first and "galley.yml" in first
    lanes()
    Hook.objects.get()
    assert "Webhook registered" in page(browser, row.pk, "/first")
    of_project = browser.get(f"/projects/{project.pk}").content.decode()
    assert "Webhook registered" in of_project and "Open a pull request to see a preview" in of_project
    assert "/connections/new" not in browser.get("/").content.decode()
    developer = Client()
    developer.force_login(team.people["developer"])
    Project.objects.all().delete()
    assert "An admin of the workspace" in developer.get("/").content.decode()
