"""Programs that pause, as on a machine that swaps or sleeps: what waited for them goes on soon after they do."""

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.local import services as local
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Project
from tests.worker.conftest import Repository, open_pull
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import Stack, eventually
from tests.worker.test_main_job import served

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]


def unpublished() -> bool:
    return OutboxMessage.objects.filter(published_at=None).exists()


def test_a_bus_that_pauses_until_it_is_missed_holds_nothing_up_afterwards(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository
) -> None:
    first = repository.commit("feature", "one")
    open_pull(project)
    eventually(lambda: served(stack) == first)
    stack.nats.pause()
    second = repository.commit("feature", "two")
    eventually(Deployment.objects.filter(commit=second).exists, what="the delivery is handled without a bus")
    eventually(lambda: '"task": "relay"' in stack.log("worker"), what="the relay has given up, for now")
    stack.nats.go_on()
    eventually(lambda: served(stack) == second, what="the second commit is served")
    eventually(lambda: not unpublished(), what="all is published")
    local.close_pull(project, "feature", by=Actor.person("test"))
    eventually(Environment.objects.filter(removed_at__isnull=False).exists, what="it is removed")
