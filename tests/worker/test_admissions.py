"""What waits for room in its project goes on by itself, through the real bus, whoever was killed meanwhile."""

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.local import services as local
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Project
from tests.worker.conftest import Repository, open_pull
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import Stack, eventually

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]


def runs(commit: str) -> bool:
    return Environment.objects.filter(state="running", live__commit=commit).exists()


def test_the_second_goes_live_when_the_first_is_closed_though_the_worker_was_killed(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository
) -> None:
    stack.environment["GALLEY_MAX_PROJECT_MEMORY"] = "8g"
    stack.kill("worker")
    stack.start_worker()
    agent.asks = 5 * 1024
    first = repository.commit("one", "one")
    open_pull(project, "one")
    eventually(lambda: runs(first), what="the first is live")
    second = repository.commit("two", "two")
    open_pull(project, "two")
    waiting = Deployment.objects.filter(commit=second, memory_mb=5 * 1024, admitted_at=None)
    eventually(waiting.exists, what="it is known what the second asks for")
    stack.kill("worker")
    local.close_pull(project, "one", by=Actor.person("test"))
    assert waiting.exists(), "there was no room"
    stack.start_worker()
    eventually(lambda: runs(second), what="the second is live")
