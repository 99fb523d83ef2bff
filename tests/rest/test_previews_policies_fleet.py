"""The routers of previews, policies, fleet and status: the form of their answers, and requests of people without access."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts.models import Membership, Role
from seatrial.control.audit.models import AuditEntry
from seatrial.control.fleet import nats_jwt
from seatrial.control.fleet.bus_identity import ensure
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Environment
from tests import factories
from tests.factories import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
API = "/api/v1"


def client(user: Any) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
def environment(cast: Cast) -> Environment:
    project = factories.project(cast.workspace, "shop")
    made = factories.running(factories.pull_request(project), agent=factories.agent())
    factories.phases(made.live, ("checkout", 0, 1.0), ("start", 1, None))
    return made


def test_environment_has_the_promised_shape(cast: Cast, environment: Environment) -> None:
    (one,) = client(cast.bob).get(f"{API}/environments").json()
    assert one == client(cast.bob).get(f"{API}/environments/{environment.pk}").json()
    assert one.keys() == {
        "id",
        "name",
        "state",
        "commit",
        "number",
        "project",
        "recipe",
        "urls",
        "page_url",
        "floats",
        "deployment",
        "live_commit",
        "stop_cause",
        "stopped_by",
        "expires_at",
        "pinned_by",
        "tier",
        "asleep_since",
        "waking",
        "wake_trouble",
        "undo_until",
        "removed",
        "waits_for",
        "waiting_since",
        "waits_for_room",
        "queue_place",
        "queue_length",
        "disk",
    }
    assert one["deployment"].keys() == {
        "id",
        "state",
        "reason",
        "message",
        "service",
        "log_tail",
        "commit",
        "phases",
        "warnings",
        "notes",
        "isolation",
        "tier",
        "private_networks",
        "recipe_folder",
        "detected",
    }
    assert [p["name"] for p in one["deployment"]["phases"]] == ["checkout", "start"]
    assert one["urls"] == {
        "web": "http://pr-1-shop.preview.localhost",
        "api": "http://api-pr-1-shop.preview.localhost",
    }
    assert one["state"] == "running" and one["live_commit"] == one["commit"]


def test_listing_filters(cast: Cast, environment: Environment) -> None:
    bob = client(cast.bob)
    assert bob.get(f"{API}/environments?project={environment.project_id}&number=1").json()
    for query in ("number=2", "project=01NONE", "number=-1", "number=99999999999"):
        assert bob.get(f"{API}/environments?{query}").json() == []
    assert len(bob.get(f"{API}/environments?name=pr-1-shop").json()) == 1
    assert bob.get(f"{API}/environments?name=pr-1").json() == []
    Environment.objects.update(state="terminated")
    assert bob.get(f"{API}/environments").json() == []
    assert len(bob.get(f"{API}/environments?terminated=true").json()) == 1


def test_wrong_people(cast: Cast, environment: Environment) -> None:
    path = f"{API}/environments/{environment.pk}"
    stranger, viewer = client(cast.charlie), client(cast.bob)
    assert stranger.get(f"{API}/environments").json() == []
    for verb, address in (
        ("get", path),
        *(("post", f"{path}/{what}") for what in ("stop", "undo", "rebuild")),
    ):
        assert getattr(stranger, verb)(address).status_code == 404
        assert getattr(Client(), verb)(address).status_code == 401
    for what in ("stop", "undo", "rebuild"):
        assert viewer.post(f"{path}/{what}").status_code == 403
    environment.refresh_from_db()
    assert environment.state == "running" and environment.candidate is None


def test_a_developer_may_rebuild_stop_and_evaluate(cast: Cast, environment: Environment) -> None:
    dan = factories.user("dan")
    Membership.objects.create(workspace=cast.workspace, user=dan, role=Role.DEVELOPER)
    factories.policy(cast.workspace, "Has readme")
    path = f"{API}/environments/{environment.pk}"
    body = {"commit": "a" * 40, "ref": "refs/heads/x"}
    assert client(dan).post(f"{path}/rebuild").status_code == 200
    assert client(dan).post(f"{path}/stop").status_code == 200
    assert client(dan).post(f"{path}/undo").status_code == 200
    evaluations = f"{API}/projects/{environment.project_id}/evaluations"
    assert client(dan).post(evaluations, body, content_type="application/json").status_code == 200
    # What is the instance's or an admin's stays theirs.
    assert client(dan).get(f"{API}/deliveries").json() == []
    asked = client(dan).post(f"{API}/agents", {"name": "one"}, content_type="application/json")
    assert asked.status_code == 403


def test_rebuild_then_stop_then_stop_again(cast: Cast, environment: Environment) -> None:
    alice = client(cast.alice)
    path = f"{API}/environments/{environment.pk}"
    rebuilt = alice.post(f"{path}/rebuild").json()
    assert rebuilt["deployment"]["state"] == "queued" and rebuilt["live_commit"]
    assert alice.post(f"{path}/stop").json()["state"] == "stopped"
    again = alice.post(f"{path}/stop")
    assert again.status_code == 409 and again.json()["error"]["code"] == "already_stopped"
    Environment.objects.update(undo_until=timezone.now())
    previews.expire()
    back = alice.post(f"{path}/rebuild").json()
    assert back["id"] != environment.pk and back["state"] == "building"


def test_stop_then_undo_then_too_late(cast: Cast, environment: Environment) -> None:
    alice = client(cast.alice)
    path = f"{API}/environments/{environment.pk}"
    before = alice.get(path).json()
    stopped = alice.post(f"{path}/stop").json()
    assert (stopped["state"], stopped["stop_cause"], stopped["stopped_by"]) == ("stopped", "person", "alice")
    assert stopped["undo_until"] and not stopped["removed"]
    assert (stopped["urls"], stopped["live_commit"]) == ({}, None)
    (listed,) = alice.get(f"{API}/environments").json()
    assert listed == stopped, "it exists"
    (shown,) = alice.get(f"{API}/status").json()["projects"][0]["environments"]
    assert (shown["state"], shown["undo_until"]) == ("stopped", stopped["undo_until"])
    assert alice.post(f"{path}/undo").json() == before
    refused = alice.post(f"{path}/undo")
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "nothing_to_undo"
    alice.post(f"{path}/stop")
    Environment.objects.update(undo_until=timezone.now())
    previews.expire()
    late = alice.post(f"{path}/undo")
    assert late.status_code == 409 and "no longer kept" in late.json()["error"]["message"]


def test_evaluation_asked_for_by_hand(cast: Cast, environment: Environment) -> None:
    alice, path = client(cast.alice), f"{API}/projects/{environment.project_id}/evaluations"
    body = {"commit": "a" * 40, "ref": "refs/heads/x"}
    nothing = alice.post(path, body, content_type="application/json")
    assert nothing.status_code == 409 and nothing.json()["error"]["code"] == "no_policy_applies"
    factories.policy(cast.workspace, "Has readme")
    one = alice.post(path, body, content_type="application/json").json()
    assert one.keys() == {
        "id",
        "event",
        "deployment",
        "commit",
        "state",
        "score",
        "waived",
        "glass",
        "remarks",
        "message",
        "isolation",
        "python",
        "page_url",
        "seconds",
        "waits_for",
        "waiting_since",
        "results",
    }
    assert client(cast.bob).get(f"{API}/evaluations/{one['id']}").json() == one
    assert client(cast.charlie).get(f"{API}/evaluations/{one['id']}").status_code == 404
    assert client(cast.bob).post(path, body, content_type="application/json").status_code == 403
    assert client(cast.charlie).post(path, body, content_type="application/json").status_code == 404


@pytest.mark.parametrize("commit", ["", "main", "a" * 39, "A" * 40, "a" * 40 + "\n", "--upload-pack=x"])
def test_only_whole_commit_ids(cast: Cast, environment: Environment, commit: str) -> None:
    path = f"{API}/projects/{environment.project_id}/evaluations"
    answer = client(cast.alice).post(path, {"commit": commit}, content_type="application/json")
    assert answer.status_code == 422


def test_agents_join_through_the_api(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_nats_signing_seed", ensure(tmp_path).signing_seed)
    for user in (cast.alice, cast.bob):
        answer = client(user).post(f"{API}/agents", {"name": "one"}, content_type="application/json")
        assert answer.status_code == 403
    admin = client(factories.user("root", is_superuser=True))
    assert admin.post(f"{API}/agents", {"name": "A b"}, content_type="application/json").status_code == 400
    token = admin.post(f"{API}/agents", {"name": "one"}, content_type="application/json").json()["token"]
    key = nats_jwt.public_key(nats_jwt.new_seed(nats_jwt.USER))
    body = {"token": token, "public_key": key, "seal_key": "A" * 43 + "="}
    joined = Client().post(f"{API}/agents/register", body, content_type="application/json").json()
    assert joined.keys() == {"agent", "name", "nats_url", "user_jwt"}
    bad = Client().post(f"{API}/agents/register", {**body, "token": "x"}, content_type="application/json")
    assert bad.status_code == 403 and bad.json()["error"]["code"] == "unknown_token"
    (listed,) = client(cast.bob).get(f"{API}/agents").json()
    assert (listed["name"], listed["state"]) == ("one", "offline")


def test_only_the_instance_admin_revokes_agents(cast: Cast) -> None:
    agent = factories.agent("one")
    path = f"{API}/agents/{agent.pk}/revoke"
    for user in (cast.alice, cast.bob, cast.charlie):
        assert client(user).post(path).status_code == 403
    agent.refresh_from_db()
    assert agent.state == "online" and not OutboxMessage.objects.exists()
    admin = client(factories.user("root", is_superuser=True))
    for _ in range(2):
        answer = admin.post(path)
        assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    (message,) = OutboxMessage.objects.all()
    assert (message.subject, message.body) == ("revoke", {"public_key": agent.public_key})
    entry = AuditEntry.objects.get(action="agent.revoke")
    assert (entry.actor, entry.target, entry.address) == ("root", "agent/one", "127.0.0.1")
    assert admin.post(f"{API}/agents/01NONE/revoke").status_code == 404
