"""The document that `seatrial status --json` prints; `preview --json` and `check --json` print more of the same."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from seatrial.control.forges.models import Delivery
from seatrial.control.nodes import Nodes, note
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.status import api as status_api
from tests import factories
from tests.factories import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
API = "/api/v1"
PAGE = Path(__file__).parents[2] / "docs" / "json.md"

# What scripts were promised. More keys may come beside these; none of these may go.
PROMISED = {
    "": {"platform", "agents", "connections", "previews", "projects"},
    "platform": {
        "url",
        "ingress_port",
        "runtime",
        "sandbox",
        "python",
        "waits_for",
        "waiting_since",
        "warnings",
    },
    "agents": {"name", "state"},
    "connections": {"id", "name", "forge", "budget"},
    "budget": {"left", "most", "resets_at", "paused_until", "waits_for"},
    "previews": {"running", "in_progress", "failed"},
    "projects": {"name", "drift", "used", "total", "environments", "evaluations"},
    "used": {"cpus", "memory_mb"},
    "total": {"cpus", "memory_mb"},
    "environments": {"name", "state", "commit", "urls", "deployment", "waits_for", "waiting_since"},
    "deployment": {"id", "state", "reason", "phases"},
    "phases": {"name", "seconds"},
    "evaluations": {"commit", "state", "score", "waived", "results", "waits_for", "waiting_since"},
    "results": {"policy", "state", "score", "message"},
}


def client(user: Any) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
def environment(cast: Cast) -> Environment:
    made = factories.running(
        factories.pull_request(factories.project(cast.workspace, "shop")), agent=factories.agent()
    )
    factories.phases(made.live, ("checkout", 0, 1.0), ("start", 1, None))
    return made


@pytest.fixture
def evaluation(cast: Cast, environment: Environment) -> Evaluation:
    made = factories.evaluation(environment.pull_request, score=100.0)
    factories.result(made, factories.policy(cast.workspace, "Has readme"), message="Found README.md")
    return made


def asked(cast: Cast, path: str) -> Any:
    return client(cast.alice).get(f"{API}/{path}").json()


def objects(name: str, value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every JSON object in `value` with the key it stands under; `urls` maps services, which nobody promised."""
    if isinstance(value, list):
        return [inner_objects for entry in value for inner_objects in objects(name, entry)]
    if not isinstance(value, dict) or name == "urls":
        return []
    return [
        (name, value),
        *(inner_objects for key, inner in value.items() for inner_objects in objects(key, inner)),
    ]


def test_the_document_has_every_promised_key(cast: Cast, evaluation: Evaluation) -> None:
    inner_objects = objects("", asked(cast, "status"))
    assert {name for name, _ in inner_objects} == set(PROMISED)
    for name, value in inner_objects:
        assert value.keys() >= PROMISED[name], name


def test_every_key_is_in_the_reference(cast: Cast, evaluation: Evaluation) -> None:
    documents = (
        asked(cast, "status"),
        asked(cast, f"environments/{Environment.objects.get().pk}"),
        asked(cast, f"evaluations/{evaluation.pk}"),
    )
    used = {key for document in documents for name, value in objects("", document) for key in value}
    assert used - set(re.findall(r"`([a-z_]+)`", PAGE.read_text())) == set()


def test_what_is_shown(cast: Cast, environment: Environment, evaluation: Evaluation) -> None:
    status = asked(cast, "status")
    assert status["platform"] == {
        "url": settings.SITE_URL,
        "ingress_port": 80,
        "runtime": "docker",
        "sandbox": "runsc",
        "python": "3.13.5",
        "waits_for": "",
        "waiting_since": None,
        "warnings": [],
    }
    (project,) = status["projects"]
    assert project["environments"][0]["deployment"]["phases"][0] == {"name": "checkout", "seconds": 1.0}
    result = {"policy": "has-readme", "state": "passed", "score": None, "message": "Found README.md"}
    assert project["evaluations"][0]["results"] == [result]
    assert client(cast.charlie).get(f"{API}/status").json()["projects"] == []


def test_settings_that_are_not_complete_are_said(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"auth_provider_gitlab_enabled": True, "auth_role_map": "github:acme=nowhere:viewer"}
    monkeypatch.setattr(settings, "CONFIGURATION", settings.CONFIGURATION.model_copy(update=values))
    provider, workspace = asked(cast, "status")["platform"]["warnings"]
    assert "GITLAB_CLIENT_ID and GITLAB_CLIENT_SECRET" in provider
    assert "AUTH_ROLE_MAP gives roles in nowhere" in workspace


def part_of(short: Any, whole: Any) -> bool:
    """`short` has the keys of `whole` that it has, with the same values."""
    if isinstance(short, dict):
        return all(key in whole and part_of(value, whole[key]) for key, value in short.items())
    if isinstance(short, list):
        return len(short) == len(whole) and all(map(part_of, short, whole))
    return bool(short == whole)


def test_the_same_thing_is_the_same_everywhere(
    cast: Cast, environment: Environment, evaluation: Evaluation
) -> None:
    (project,) = asked(cast, "status")["projects"]
    assert part_of(project["environments"][0], asked(cast, f"environments/{environment.pk}"))
    assert part_of(project["evaluations"][0], asked(cast, f"evaluations/{evaluation.pk}"))


def test_the_newest_are_listed_where_there_are_too_many(
    cast: Cast, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = [factories.running(factories.pull_request(environment.project)).name for _ in range(2)]
    monkeypatch.setattr(status_api, "LISTED", 2)
    (project,) = asked(cast, "status")["projects"]
    assert [one["name"] for one in project["environments"]] == newer, "oldest of them first"


def test_status_says_what_the_agents_warn_of(cast: Cast) -> None:
    def status() -> dict[str, Any]:
        answer: dict[str, Any] = client(cast.bob).get(f"{API}/status").json()
        return answer

    assert (status()["platform"]["sandbox"], status()["agents"]) == ("", [])
    beat = {
        "runtime": "docker",
        "sandbox": None,
        "warnings": ["gVisor does not start"],
        "sandbox_problem": "no",
        "host": [{"about": "disk", "well": False, "text": "3 MB free", "fix": "docker system prune"}],
    }
    agent = factories.agent("one", heartbeat=beat)
    assert status()["platform"]["sandbox"] == ""
    shown = {
        "id": agent.pk,
        "name": "one",
        "state": "online",
        "warnings": ["gVisor does not start"],
        "sandbox_problem": "no",
        "host": [{**beat["host"][0], "grave": True}],  # type: ignore[index]
    }
    assert status()["agents"] == [shown]
    factories.agent("two", heartbeat={**beat, "sandbox": "runc", "warnings": []})
    assert status()["platform"]["sandbox"] == "runc"
    agent.state = "offline"
    agent.save()
    assert status()["agents"][0] == {
        **shown,
        "state": "offline",
        "warnings": [],
        "sandbox_problem": "",
        "host": [],
    }


def test_status_says_which_part_does_not_take_waiting_messages(cast: Cast) -> None:
    def missing() -> str:
        answer: str = client(cast.bob).get(f"{API}/status").json()["platform"]["waits_for"]
        return answer

    long_ago = timezone.now() - timedelta(minutes=1)
    outbox.instruct(Instruction.BUCKET, agent="one")
    assert missing() == "", "it is just being sent"
    OutboxMessage.objects.update(created_at=long_ago, due_at=long_ago)
    assert missing() == "the bus, or the worker that reaches it: messages are not sent"
    delivery = factories.delivery(factories.connection(cast.workspace))
    Delivery.objects.filter(pk=delivery.pk).update(received_at=long_ago)
    assert missing() == "the worker: webhooks are not handled"


def test_status_names_the_nodes_of_the_bus_that_are_gone_and_what_waits_for_them(cast: Cast) -> None:
    def said() -> list[str]:
        return list(asked(cast, "status")["platform"]["warnings"])

    note(Nodes(copies=3))
    assert said() == []
    note(Nodes(gone=("two",), short=("KV_desired-A",), copies=3))
    node, copies = said()
    assert "node two does not answer" in node and "3 copies of KV_desired-A" in copies
    note(Nodes(gone=("one", "two"), halted=("OBSERVED",), copies=3))
    assert "stores nothing in OBSERVED" in said()[-1] and len(said()) == 3


def test_status_costs_the_same_for_many(
    cast: Cast, environment: Environment, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        pull_request = factories.pull_request(environment.project)
        one = factories.running(pull_request)
        one.candidate = factories.deployment(one)
        one.save()
        evaluation = factories.evaluation(pull_request)
        factories.result(evaluation, factories.policy(cast.workspace, "Has readme"))
    bob = client(cast.bob)
    with django_assert_max_num_queries(23):
        bob.get(f"{API}/status")
    with django_assert_max_num_queries(11):
        bob.get(f"{API}/environments")
