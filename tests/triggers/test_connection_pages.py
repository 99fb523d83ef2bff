"""The pages of connections, for people: connect, choose, rotate; and the wrong person is refused."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from seatrial.control.forges.models import Delivery, Hook
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.site import Site
from tests.triggers.hosted import BOT, SHOP, Team

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]
NEW = "/connections/new/github"


@pytest.fixture
def browser(team: Team) -> Client:
    return signed_in(team, "owner")


def signed_in(team: Team, role: str) -> Client:
    client = Client()
    client.force_login(team.people[role])
    return client


def form(site: Site, team: Team, **changes: str) -> dict[str, str]:
    return {
        "workspace": team.workspace.pk,
        "base_url": site.url,
        "name": "",
        "credential": site.people[BOT].token,
        **changes,
    }


def test_connect_choose_and_see_the_webhook(browser: Client, site: Site, team: Team, lanes: Lanes) -> None:
    assert "Connect a code host" in browser.get("/connections").content.decode()
    assert "Connect GitHub" in browser.get("/connections/new").content.decode()
    answer = browser.post(NEW, form(site, team), follow=True)
    row = Connection.objects.get()
    text = answer.content.decode()
    assert f"Connected as {BOT}" in text and site.people[BOT].token not in text
    assert SHOP in browser.get(f"/connections/{row.pk}/repositories?search=shop").content.decode()
    picked = {"repository": [SHOP, "acme/none"], "choose": "yes"}
    chosen = browser.post(f"/connections/{row.pk}/repositories", picked, follow=True)
    text = chosen.content.decode()
    assert chosen.redirect_chain[-1][0] == f"/connections/{row.pk}/first"
    assert f"Under trial: {SHOP}" in text and "acme/none" in text and "is being registered" in text
    lanes()
    assert "registered" in browser.get(f"/connections/{row.pk}").content.decode()
    Hook.objects.update(problem="github says no")
    assert "github says no" in browser.get(f"/connections/{row.pk}").content.decode()


def test_a_refused_token_is_said_at_the_form_and_not_repeated(
    browser: Client, site: Site, team: Team
) -> None:
    answer = browser.post(NEW, form(site, team, credential="wrong-token"))
    text = answer.content.decode()
    assert answer.status_code == 200 and "401" in text and "wrong-token" not in text
    assert not Connection.objects.exists()


def test_a_forge_that_does_not_answer_is_said(browser: Client, site: Site, connection: str) -> None:
    Connection.objects.update(base_url="http://127.0.0.1:1")
    row = Connection.objects.get()
    row.save()
    for answer in (
        browser.get(f"/connections/{row.pk}/repositories"),
        browser.post(f"/connections/{row.pk}/test", follow=True),
        browser.post(f"/connections/{row.pk}/repositories", {"repository": SHOP, "choose": "yes"}),
    ):
        assert answer.status_code == 200 and "does not answer" in answer.content.decode()


def test_the_secret_is_rotated_shown_once_and_learned_by_the_forge(
    browser: Client, site: Site, team: Team, connection: str, lanes: Lanes
) -> None:
    team.call("owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]})
    lanes()
    (webhook,) = site.repositories[SHOP].webhooks
    before = webhook.secret
    assert "stays valid for 24 hours" in browser.get(f"/connections/{connection}/rotate").content.decode()
    answer = browser.post(f"/connections/{connection}/rotate")
    secret = str(Connection.objects.get().webhook_secret)
    assert secret != before and secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert secret not in browser.get(f"/connections/{connection}").content.decode()
    old = site.open_pull(SHOP, "feature", author="ann")  # signed with the old secret
    lanes()
    assert webhook.secret == secret
    site.close_pull(SHOP, old.number)
    assert set(Delivery.objects.values_list("result", flat=True)) == {"accepted"}


def test_a_connection_without_a_secret_has_its_badge(browser: Client, connection: str) -> None:
    row = Connection.objects.get()
    row.webhook_secret = ""
    row.save()
    for path in ("/connections", f"/connections/{connection}"):
        assert "no webhook secret" in browser.get(path).content.decode()


@pytest.mark.parametrize(("role", "status"), [("developer", 403), ("stranger", 404)])
def test_who_may_not_manage_is_refused(
    team: Team, connection: str, site: Site, role: str, status: int
) -> None:
    client = signed_in(team, role)
    asked = len(site.asked)
    for method, path in (
        ("get", ""),
        ("get", "/access"),
        ("get", "/first"),
        ("get", "/repositories"),
        ("post", "/repositories"),
        ("post", "/test"),
        ("post", "/name"),
        ("get", "/credential"),
        ("post", "/credential"),
        ("get", "/remove"),
        ("post", "/remove"),
        ("get", "/rotate"),
        ("post", "/rotate"),
    ):
        answer = getattr(client, method)(
            f"/connections/{connection}{path}", {"repository": SHOP, "choose": "yes"}
        )
        assert answer.status_code in {status, 404}, path
    if role == "developer":
        assert client.get("/connections").status_code == 403
        assert client.get("/connections/new").status_code == 403
        assert client.get(NEW).status_code == 403
        assert client.post(NEW, form(site, team)).status_code == 403
    assert len(site.asked) == asked and not Project.objects.exists()


def test_a_stranger_cannot_connect_for_another_workspace(team: Team, site: Site) -> None:
    client = signed_in(team, "stranger")
    answer = client.post(NEW, form(site, team))
    assert answer.status_code == 200 and not Connection.objects.exists()
    assert re.search("Select a valid choice", answer.content.decode())


def test_a_pasted_private_key_is_not_sent_back(browser: Client, site: Site, team: Team) -> None:
    given = form(site, team) | {"app_id": "12", "private_key": "a-key-that-is-none"}
    text = browser.post("/connections/github-app", given).content.decode()
    assert "That is no private key" in text and "a-key-that-is-none" not in text


def test_projects_lead_to_the_connection_that_there_is(browser: Client, connection: str) -> None:
    leads_to = f'href="/connections/{connection}/repositories"'
    assert leads_to in browser.get("/projects").content.decode()
    Connection.objects.update(base_url="")
    assert leads_to not in browser.get("/projects").content.decode()
