"""kill -9 of the worker at each step of a preview's way from one host to another: it arrives, and nothing is left behind.

Each test moves it there, killed at one step, and back again, killed at another.
"""

import pytest

from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews.models import Deployment, Environment, Placement
from seatrial.control.previews.placements import LEAVING_SLACK
from seatrial.control.projects.models import Project
from seatrial.wire.deployments import EnvironmentRemoved
from seatrial.wire.states import AgentState
from tests.worker.conftest import Join, Repository
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import InBackground, Stack, eventually
from tests.worker.test_main_job import served
from tests.worker.test_two_agents import Pull, takes

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]


@pytest.fixture
def pull(stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository) -> Pull:
    return Pull(stack, project, repository)


@pytest.fixture
def two(agent: ScriptedAgent, pull: Pull, join: Join) -> ScriptedAgent:
    """The agent that the next deployment goes to."""
    two = join("two")
    takes(agent, AgentState.DRAINING)
    return two


def back(one: ScriptedAgent, two: ScriptedAgent) -> tuple[ScriptedAgent, ScriptedAgent]:
    """The next deployment goes to `one` again: (where the preview is, where it goes)."""
    takes(one, AgentState.ONLINE)
    takes(two, AgentState.DRAINING)
    return two, one


def arrives(stack: Stack, pull: Pull, one: ScriptedAgent, two: ScriptedAgent) -> None:
    eventually(lambda: served(stack) == pull.commit, what="the new commit is served")
    eventually(lambda: pull.live_on(two), what="it is live on the other agent")
    eventually(lambda: pull.has_left(one), what="the first agent is left")
    left = Placement.objects.get(environment=pull.environment, agent=one.id)
    assert left.leaving_since is not None and left.removed_at is not None
    assert left.removed_at - left.leaving_since >= LEAVING_SLACK, "it had its time to drain"
    assert pull.is_there(two)
    assert one.history[-1] == ("gone", "gone") and two.history[-1] == (pull.commit, "")


def test_killed_before_the_candidate_reaches_its_agent_and_while_it_is_made_ready(
    stack: Stack, agent: ScriptedAgent, two: ScriptedAgent, pull: Pull, background: InBackground
) -> None:
    stack.nats.kill()
    commit = pull.push("two", wait=False)
    eventually(Deployment.objects.filter(commit=commit, agent=two.id).exists, what="it is placed")
    stack.kill("worker")
    stack.nats.start()
    stack.start_worker()
    arrives(stack, pull, agent, two)

    here, there = back(agent, two)
    there.mute = True
    pull.push("three", wait=False)
    eventually(lambda: pull.environment in there.desired, what="the candidate is there")
    stack.kill("worker")
    there.mute = False
    background.run(there.deploy_again(pull.environment))  # heard by the next worker
    stack.start_worker()
    arrives(stack, pull, here, there)


def test_killed_between_the_switch_and_telling_anybody_and_while_the_first_agent_drains(
    stack: Stack, agent: ScriptedAgent, two: ScriptedAgent, pull: Pull
) -> None:
    stack.traefik.kill()
    commit = pull.push("two", wait=False)
    eventually(Deployment.objects.filter(commit=commit, ready_at__isnull=False).exists, what="it is ready")
    eventually(lambda: two.history == [("", commit)])
    stack.nats.kill()
    stack.traefik.start()
    eventually(Environment.objects.filter(live__commit=commit).exists, what="the switch needs no bus")
    stack.kill("worker")
    stack.nats.start()
    stack.start_worker()
    arrives(stack, pull, agent, two)

    here, there = back(agent, two)
    pull.push("three")
    eventually(lambda: here.history[-1] == ("", ""), what="it drains")
    stack.kill("worker")
    stack.start_worker()
    arrives(stack, pull, here, there)


def test_the_key_goes_also_when_its_delayed_message_is_lost_and_killed_before_the_removal_is_heard(
    stack: Stack, agent: ScriptedAgent, two: ScriptedAgent, pull: Pull, background: InBackground
) -> None:
    pull.push("two")
    eventually(lambda: agent.history[-1] == ("", ""), what="it drains")
    stack.kill("worker")
    OutboxMessage.objects.filter(published_at=None).delete()
    stack.start_worker()
    arrives(stack, pull, agent, two)

    here, there = back(agent, two)
    pull.push("three")
    here.mute = True
    eventually(lambda: here.history[-1] == ("gone", "gone"), what="its key is deleted")
    assert not pull.has_left(here)
    stack.kill("worker")
    here.mute = False
    background.run(here.say(EnvironmentRemoved(environment=pull.environment)))
    stack.start_worker()
    arrives(stack, pull, here, there)
