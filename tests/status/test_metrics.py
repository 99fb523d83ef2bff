"""Numbers for Prometheus: each queue, state and agent has one, for the instance admin alone; what reads them names none that is not there."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from ruamel.yaml import YAML

from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment, DeploymentPhase
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\bseatrial_\w+")
MONITORING = ROOT / "deploy" / "monitoring"


def scrape(user: Any) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get("/api/v1/metrics")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def root() -> Any:
    return make.user("root", is_superuser=True)


def number(text: str, name: str, **labels: str) -> float | None:
    said = ",".join(f'{key}="{value}"' for key, value in labels.items())
    start = f"seatrial_{name}{{{said}}} " if labels else f"seatrial_{name} "
    (line,) = [line for line in text.splitlines() if line.startswith(start)] or [""]
    return float(line.removeprefix(start)) if line else None


def names(text: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def test_queues_grow_age_and_empty(root: Any) -> None:
    assert number(scrape(root), "queue_waiting", kind="report") == 0
    row = OutboxMessage.objects.create(subject=Instruction.REPORT, body={}, attempts=2)
    OutboxMessage.objects.create(subject="jobs.policy", body={})
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(hours=1))
    host = make.connection(make.workspace())
    make.delivery(host)
    make.delivery(host, handled_at=timezone.now())
    text = scrape(root)
    assert number(text, "queue_waiting", kind="report") == 1 == number(text, "queue_failed", kind="report")
    assert (number(text, "queue_oldest_seconds", kind="report") or 0) >= 3600
    assert number(text, "queue_waiting", kind="message") == 1
    assert number(text, "queue_failed", kind="message") == 0
    assert number(text, "queue_waiting", kind="delivery") == 1
    OutboxMessage.objects.update(published_at=timezone.now())
    assert number(scrape(root), "queue_waiting", kind="report") == 0
    assert number(scrape(root), "queue_oldest_seconds", kind="report") == 0


def test_previews_deployments_phases_and_evaluations(root: Any) -> None:
    pull = make.pull_request(make.project(make.workspace()))
    environment = make.running(pull)
    Deployment.objects.filter(environment=environment).update(finished_at=timezone.now())
    DeploymentPhase.objects.all().delete()
    queued = make.deployment(environment)
    for name, seconds in (("build web", 10.0), ("build api", 20.0), ("health", None)):
        DeploymentPhase.objects.create(
            deployment=queued, name=name, started_at=timezone.now(), seconds=seconds
        )
    make.evaluation(pull, state="queued")
    Evaluation.objects.filter(state="queued").update(created_at=timezone.now() - timedelta(minutes=20))
    text = scrape(root)
    assert number(text, "previews", state="running") == 1
    assert (
        number(text, "deployments", state="queued") == 1 == number(text, "queue_waiting", kind="deployment")
    )
    assert number(text, "deployments_recent", state="live") == 1
    assert number(text, "phases_recent", phase="build") == 2
    assert number(text, "phase_seconds_mean", phase="build") == 15
    assert number(text, "phase_seconds_most", phase="build") == 20
    assert number(text, "phase_seconds_mean", phase="health") is None
    assert number(text, "evaluations", state="queued") == 1
    assert (number(text, "queue_oldest_seconds", kind="evaluation") or 0) >= 1200


def test_agents_tell_their_numbers_while_they_are_online(root: Any) -> None:
    beat = {"sandboxes_warm": 2, "sandboxes_used": 1, "builds": 3, "build_queue": ["a", "b"]}
    agent = make.agent("dock", heartbeat=beat)
    make.agent("old", heartbeat={"sandboxes_warm": None})
    text = scrape(root)
    assert number(text, "agents", state="online") == 2
    assert number(text, "agent_sandboxes_warm", agent="dock") == 2
    assert number(text, "agent_sandboxes_used", agent="dock") == 1
    assert number(text, "agent_builds_waiting", agent="dock") == 2
    assert number(text, "agent_sandboxes_warm", agent="old") is None
    agent.state = "offline"
    agent.save()
    text = scrape(root)
    assert number(text, "agents", state="offline") == 1
    assert number(text, "agent_sandboxes_warm", agent="dock") is None
    assert number(text, "agent_heartbeat_seconds", agent="dock") is not None
    assert number(text, "checks_failing", about="agent", grave="yes") == 1


def test_the_whole_server_is_told_to_the_instance_admin_alone(root: Any) -> None:
    make.agent("dock")
    cast = make.Cast()
    for person in (cast.alice, cast.bob, cast.charlie):
        text = scrape(person)
        assert not [name for name in names(text) if name.startswith(("seatrial_queue", "seatrial_agent"))]
        assert "dock" not in text
    assert {"seatrial_queue_waiting", "seatrial_agents", "seatrial_checks_failing"} <= names(scrape(root))


def test_the_documentation_lists_exactly_the_metrics(root: Any) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split("\n## Metrics\n")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `seatrial_")]
    assert {name for row in rows for name in NAME.findall(row)} == names(scrape(root))


def expressions() -> list[str]:
    groups = YAML(typ="safe").load((MONITORING / "alerts.yaml").read_text())["groups"]
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    alerts = [rule["expr"] for group in groups for rule in group["rules"]]
    return [*alerts, *(target["expr"] for panel in panels for target in panel["targets"])]


def test_alerts_and_dashboard_name_only_metrics_that_are_there(root: Any) -> None:
    known = names(scrape(root))
    named = {name for one in expressions() for name in NAME.findall(one)}
    assert named - known == set()
    assert len(named) > 20


def test_alerts_choose_only_labels_that_are_there(root: Any) -> None:
    text = scrape(root)
    chosen = re.findall(r'(seatrial_\w+)\{(\w+)="([^"]+)"\}', " ".join(expressions()))
    assert chosen
    assert [
        one for one in chosen if not re.search(rf'^{one[0]}\{{.*{one[1]}="{one[2]}"', text, re.MULTILINE)
    ] == []


def test_each_alert_says_what_to_do() -> None:
    groups = YAML(typ="safe").load((MONITORING / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [r["alert"] for r in rules if set(r["annotations"]) != {"summary", "description"}] == []
    assert {rule["labels"]["severity"] for rule in rules} == {"critical", "warning"}
