"""Who may decide who gets in: owners and admins; who may invite guests: developers. Nobody else, by page or REST."""

from typing import Any

import pytest
from django.test import Client

from seatrial.control.audit.models import AuditEntry
from seatrial.control.entrance.models import BypassToken, GuestLink
from seatrial.control.projects.models import Gate
from tests import factories
from tests.entrance.visits import PASSWORD, colleague, members, preview
from tests.previews.scenario import Scenario

pytestmark = pytest.mark.django_db
WRONG = ["viewer", "stranger", "anonymous"]


def client_of(scenario: Scenario, role: str) -> Client:
    client = Client()
    if role == "stranger":
        user = factories.user("eve")
        factories.workspace("elsewhere", owner=user)
        client.force_login(user)
    elif role != "anonymous":
        client.force_login(colleague(scenario, role))
    return client


def changes(scenario: Scenario) -> list[tuple[str, str, str, Any]]:
    """Everything that changes something: who may, how, where, with what."""
    project, environment = scenario.project.pk, scenario.environment.pk
    guest = GuestLink.objects.create(
        environment=scenario.environment, digest="d", by="alice", expires_at="2030-01-01T00:00:00Z"
    ).pk
    return [
        ("admin", "post", f"/projects/{project}/access", {"mode": "public"}),
        ("admin", "post", f"/projects/{project}/access/apply", {}),
        ("admin", "post", f"/projects/{project}/access/rotate", {}),
        ("admin", "post", f"/projects/{project}/access/show", {}),
        ("admin", "post", f"/projects/{project}/access/revoke", {}),
        ("admin", "put", f"/api/v1/projects/{project}/access", {"mode": "public"}),
        ("admin", "post", f"/api/v1/projects/{project}/access/apply", {}),
        ("admin", "get", f"/api/v1/projects/{project}/bypass-token", None),
        ("admin", "post", f"/api/v1/projects/{project}/bypass-token", {}),
        ("admin", "delete", f"/api/v1/projects/{project}/bypass-token", None),
        ("developer", "post", f"/environments/{environment}/guests", {"hours": 1}),
        ("developer", "post", f"/api/v1/environments/{environment}/guests", {"hours": 1}),
        ("developer", "post", f"/guests/{guest}/revoke", {}),
        ("developer", "delete", f"/api/v1/guests/{guest}", None),
    ]


@pytest.mark.parametrize("role", [*WRONG, "developer"])
def test_the_wrong_person_is_refused_and_nothing_changes(role: str) -> None:
    scenario = members()
    client = client_of(scenario, role)
    for may, method, address, body in changes(scenario)[: None if role != "developer" else 10]:
        before = AuditEntry.objects.count(), Gate.objects.count(), GuestLink.objects.count()
        more = {"content_type": "application/json"} if address.startswith("/api") else {}
        answer = (
            getattr(client, method)(address, body, **more)
            if body is not None
            else getattr(client, method)(address)
        )
        refused = answer.status_code in {401, 403, 404} or (
            answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
        )
        assert refused, (may, address, answer.status_code)
        assert before == (AuditEntry.objects.count(), Gate.objects.count(), GuestLink.objects.count()), (
            address
        )
    assert not BypassToken.objects.exists()


def test_an_admin_decides_on_the_page() -> None:
    scenario = preview()
    client = client_of(scenario, "admin")
    address = f"/projects/{scenario.project.pk}/access"
    wrong = client.post(address, {"mode": "addresses", "addresses": "10.0.0.0/8\nnowhere"})
    assert wrong.status_code == 200 and b"neither an address nor a network" in wrong.content
    assert not Gate.objects.exists()
    client.post(address, {"mode": "basic", "username": "crew", "password": PASSWORD})
    page = client.get(address)
    assert (
        b"1 preview still lets people in as before" in page.content and PASSWORD.encode() not in page.content
    )
    assert client.post(f"{address}/apply", follow=True).status_code == 200
    assert b"still lets" not in client.get(address).content
    token = client.post(f"{address}/rotate")
    assert (
        BypassToken.objects.get().token.encode() in token.content
        and token["Cache-Control"].find("no-store") >= 0
    )
    assert BypassToken.objects.get().token.encode() not in client.get(address).content


def test_a_developer_invites_and_the_link_is_shown_once() -> None:
    scenario = members()
    client = client_of(scenario, "developer")
    address = f"/environments/{scenario.environment.pk}/guests"
    made = client.post(address, {"hours": 24, "note": "the designer"})
    assert b"galley-guest=" in made.content
    listed = client.get(address)
    assert b"the designer" in listed.content and b"galley-guest=" not in listed.content
    assert b"Guests" in client.get(f"/environments/{scenario.environment.pk}").content
    client.post(f"/guests/{GuestLink.objects.get().pk}/revoke")
    assert b"No guest yet" in client.get(address).content


def test_rest_says_what_counts() -> None:
    scenario = members()
    client = client_of(scenario, "admin")
    address = f"/api/v1/projects/{scenario.project.pk}/access"
    assert client.get(address).json() == {
        "project": scenario.project.pk,
        "mode": "members",
        "username": "",
        "addresses": [],
        "bypass_token": False,
        "behind": 0,
    }
    wanted = {"mode": "addresses", "addresses": ["203.0.113.7"]}
    answer = client.put(address, wanted, content_type="application/json").json()
    assert (answer["addresses"], answer["behind"]) == (["203.0.113.7/32"], 1)
    assert client.post(f"{address}/apply", content_type="application/json").json() == {"previews": 1}
    refused = client.put(address, {"mode": "secret"}, content_type="application/json")
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "bad_gate"
