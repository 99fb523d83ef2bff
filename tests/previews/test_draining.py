"""Draining an agent: what moves and what stays, who may, what is said; over REST and on the page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.models import AuditEntry
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.control.previews import services
from seatrial.control.previews.models import Placement
from tests import factories
from tests.previews.scenario import Scenario, check_invariants
from tests.previews.test_two_agents import A, B, becomes, keep

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
API = "/api/v1/agents"
ORDERS = ("drain", "undrain", "revoke", "remove")


@pytest.fixture
def scene() -> Scenario:
    return Scenario.make()


@pytest.fixture
def other(scene: Scenario) -> Agent:
    return factories.agent("other")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("root", is_superuser=True))
    return client


def till(scene: Scenario) -> Scenario:
    return Scenario(factories.project(scene.project.workspace, "till"), scene.agent)


def test_draining_over_rest_moves_what_can_and_says_why_the_rest_stays(
    admin: Client, scene: Scenario, other: Agent
) -> None:
    keep(scene, A)
    free = till(scene)
    becomes(other, "offline")
    free.live(B)
    becomes(other, "online")
    path = f"{API}/{scene.agent.pk}"
    before = admin.get(path).json()
    assert [(row["name"], row["step"], row["to"]) for row in before["residents"]] == [
        ("pr-1-shop", "stays", ""),
        ("pr-1-till", "moves", "other"),
    ]
    for _ in range(2):
        answer = admin.post(f"{path}/drain")
        assert answer.status_code == 200
    drained = answer.json()
    pinned, moving = drained["residents"]
    assert drained["state"] == "draining" and drained["draining_since"] and drained["ahead"] == 1
    assert pinned["step"] == "stays" and "the data of db is here" in pinned["reason"]
    assert (moving["step"], moving["to"]) == ("moving", "other")
    assert free.candidate().agent == other and free.environment.live.agent == scene.agent, "it still serves"
    free.ready(free.candidate())
    free.switch()
    assert [row["step"] for row in admin.get(path).json()["residents"]] == ["stays", "leaving"]
    free.removed(free.environment)
    after = admin.get(path).json()
    assert [row["name"] for row in after["residents"]] == ["pr-1-shop"] and after["ahead"] == 0
    for _ in range(2):
        back = admin.post(f"{path}/undrain").json()
    assert (back["state"], back["draining_since"]) == ("online", None)
    said = AuditEntry.objects.exclude(action="user.sign_in").values_list("action", flat=True)
    assert sorted(said) == ["agent.drain", "agent.undrain", "environment.move"]
    check_invariants(free.project)


def test_what_had_nowhere_to_go_leaves_once_another_agent_is_there(
    admin: Client, scene: Scenario, other: Agent
) -> None:
    becomes(other, "offline")
    scene.live(A)
    (row,) = admin.post(f"{API}/{scene.agent.pk}/drain").json()["residents"]
    assert row["step"] == "stays" and "no other is online" in row["reason"]
    assert services.leave_draining() == 0
    becomes(other, "online")
    assert services.leave_draining() == 1 and services.leave_draining() == 0
    assert scene.candidate().agent == other


def test_what_failed_elsewhere_stays_says_so_and_is_tried_again_when_somebody_drains_again(
    admin: Client, scene: Scenario, other: Agent
) -> None:
    becomes(other, "offline")
    scene.live(A)
    becomes(other, "online")
    path = f"{API}/{scene.agent.pk}"
    admin.post(f"{path}/drain")
    scene.fail(scene.candidate())
    (row,) = admin.get(path).json()["residents"]
    assert row["step"] == "stays" and row["reason"].startswith("failed elsewhere: no")
    assert services.leave_draining() == 0 and scene.environment.candidate is None
    (row,) = admin.post(f"{path}/drain").json()["residents"]
    assert row["step"] == "moving" and scene.candidate().agent == other


def test_only_the_instance_admin_changes_an_agent_and_everybody_may_look(scene: Scenario) -> None:
    cast = factories.Cast()
    viewer, owner, stranger = Client(), Client(), Client()
    for client, person in ((viewer, cast.bob), (owner, cast.alice), (stranger, cast.charlie)):
        client.force_login(person)
    agent = factories.agent("dock")
    for client in (viewer, owner, stranger):
        assert client.get(f"{API}/{agent.pk}").status_code == 200
        page = client.get(f"/agents/{agent.pk}")
        assert page.status_code == 200 and "Revoke" not in page.content.decode()
        for order in ORDERS:
            assert client.get(f"/agents/{agent.pk}/{order}").status_code == 403
            assert client.post(f"/agents/{agent.pk}/{order}").status_code == 403
        for order in ("drain", "undrain", "revoke"):
            assert client.post(f"{API}/{agent.pk}/{order}").status_code == 403
        assert client.delete(f"{API}/{agent.pk}").status_code == 403
    assert Client().post(f"{API}/{agent.pk}/drain").status_code == 401
    assert Client().get(f"/agents/{agent.pk}/stream").status_code == 404
    agent.refresh_from_db()
    assert (agent.state, agent.draining_since, agent.removed_at) == ("online", None, None)
    assert not AuditEntry.objects.filter(action__startswith="agent.").exists()


def test_previews_of_other_workspaces_are_counted_and_not_named(scene: Scenario) -> None:
    scene.live(A)
    client = Client()
    client.force_login(factories.Cast().charlie)
    seen = client.get(f"{API}/{scene.agent.pk}").json()
    assert (seen["residents"], seen["hidden"]) == ([], 1)
    page = client.get(f"/agents/{scene.agent.pk}").content.decode()
    assert "pr-1-shop" not in page and "1 preview of workspaces that you are not in" in page


def test_only_what_is_gone_or_empty_is_removed_and_its_history_stays(
    admin: Client, scene: Scenario, other: Agent
) -> None:
    becomes(other, "offline")
    live = scene.live(A)
    path = f"{API}/{scene.agent.pk}"
    refused = admin.delete(path)
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "agent_still_there"
    becomes(scene.agent, "offline")
    assert "previews are on it (1)" in admin.delete(path).json()["error"]["message"]
    admin.post(f"/agents/{scene.agent.pk}/remove")
    assert Agent.objects.get(pk=scene.agent.pk).removed_at is None
    admin.post(f"{path}/revoke")
    token = BootstrapToken.objects.create(
        name=scene.agent.name, digest="d", expires_at=timezone.now() + timedelta(hours=1)
    )
    for _ in range(2):
        answer = admin.delete(path)
        assert answer.status_code == 200 and answer.json()["removed_at"]
    token.refresh_from_db()
    assert token.expires_at <= timezone.now()
    assert [row["name"] for row in admin.get(API).json()] == ["other"]
    assert f"/agents/{scene.agent.pk}" not in admin.get("/agents").content.decode()
    live.refresh_from_db()
    assert live.agent == scene.agent and admin.get(path).json()["state"] == "revoked"
    assert AuditEntry.objects.filter(action="agent.remove", actor="root").count() == 1
    assert admin.delete(f"{API}/{other.pk}").json()["state"] == "revoked", "offline, and nothing on it"
    assert admin.post(f"{path}/drain").status_code == admin.post(f"{path}/undrain").status_code == 409


def test_the_page_says_what_draining_would_do_asks_and_does_it(
    admin: Client, scene: Scenario, other: Agent
) -> None:
    keep(scene, A)
    address = f"/agents/{scene.agent.pk}"
    page = admin.get(address).content.decode()
    assert f"/environments/{scene.environment.pk}" in page and "the data of db is here" in page
    assert "Rotate credential" in page and "Undrain" not in page and f"{address}/remove" not in page
    asked = admin.get(f"{address}/drain").content.decode()
    assert f"Drain {scene.agent.name}?" in asked and "the data of db is here" in asked
    assert admin.post(f"{address}/drain", follow=True).status_code == 200
    page = admin.get(address).content.decode()
    assert "Undrain" in page and "Everything that moves has moved" in page
    for order in ("undrain", "revoke", "remove"):
        assert scene.agent.name in admin.get(f"{address}/{order}").content.decode()
        admin.post(f"{address}/{order}")
    said = AuditEntry.objects.filter(actor="root", action__startswith="agent.")
    assert sorted(said.values_list("action", flat=True)) == [
        "agent.drain",
        "agent.remove",
        "agent.revoke",
        "agent.undrain",
    ]


def test_queries_do_not_grow_with_what_is_there(admin: Client, scene: Scenario) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(f"{API}/{scene.agent.pk}").status_code == 200
        return len(captured)

    scene.live(A)
    few = asked()
    for name in ("till", "crane", "dock"):
        Scenario(factories.project(scene.project.workspace, name), scene.agent).live(B)
    assert Placement.objects.count() == 4 and asked() == few
