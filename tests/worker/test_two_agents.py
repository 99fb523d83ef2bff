"""One preview, two hosts: a candidate elsewhere, the switch, and the first host left behind. Real bus, real worker."""

from itertools import groupby

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Deployment, Environment, Placement
from seatrial.control.projects.models import Project
from seatrial.wire import subjects
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
)
from seatrial.wire.states import AgentState, Isolation, ServiceKind
from tests.worker.conftest import Join, Repository, open_pull
from tests.worker.scripted_agent import LAST, ScriptedAgent
from tests.worker.stack import InBackground, Stack, eventually
from tests.worker.test_main_job import served

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]
DB = ObservedService(name="db", kind=ServiceKind.DATABASE, state="running", keeps_data=True)
LIE = ObservedService(name="web", kind=ServiceKind.WEB, state="running", endpoint="http://10.6.6.6:80")


@pytest.fixture
def one(agent: ScriptedAgent) -> ScriptedAgent:
    return agent


class Pull:
    """A pull request whose first commit is live on the agent `one`."""

    def __init__(self, stack: Stack, project: Project, repository: Repository) -> None:
        self.stack, self.project, self.repository = stack, project, repository
        self.push("one")
        self.environment = eventually(lambda: Environment.objects.filter(state="running").first()).pk

    def push(self, text: str, *, wait: bool = True) -> str:
        self.commit = self.repository.commit("feature", text)
        open_pull(self.project)
        if wait:
            eventually(lambda: served(self.stack) == self.commit, what=f"commit {text} is served")
        return self.commit

    def live_on(self, agent: ScriptedAgent) -> bool:
        rows = Environment.objects.filter(pk=self.environment, live__agent=agent.id, candidate=None)
        return rows.filter(live__commit=self.commit).exists()

    def has_left(self, agent: ScriptedAgent) -> bool:
        rows = Placement.objects.filter(environment=self.environment, agent=agent.id)
        return rows.exists() and not rows.filter(removed_at=None).exists()

    def is_there(self, agent: ScriptedAgent) -> bool:
        rows = Placement.objects.filter(environment=self.environment, agent=agent.id, removed_at=None)
        return rows.filter(leaving_since=None).exists()


@pytest.fixture
def pull(stack: Stack, one: ScriptedAgent, project: Project, repository: Repository) -> Pull:
    return Pull(stack, project, repository)


def row(agent: ScriptedAgent) -> Agent:
    return Agent.objects.get(pk=agent.id)


def takes(agent: ScriptedAgent, state: AgentState) -> None:
    """Whether the next deployment may go there; what runs there stays, as nobody asked to drain it."""
    Agent.objects.filter(pk=agent.id).update(state=state)


def goes_offline(agent: ScriptedAgent, background: InBackground) -> None:
    background.run(agent.fall_silent())
    eventually(lambda: row(agent).release == LAST, what="its last heartbeat is heard")
    Agent.objects.filter(pk=agent.id).update(state="offline")


def comes_back(agent: ScriptedAgent, background: InBackground) -> None:
    background.run(agent.start())
    eventually(lambda: row(agent).state == "online", what="it is online again")


def everything_is_heard(stack: Stack, background: InBackground) -> None:
    """The worker has taken every report that is on the bus."""
    from nats import connect

    async def waiting() -> int:
        client = await connect(stack.nats.url, user_credentials=str(stack.nats.identity.control_credentials))
        try:
            return (await client.jetstream().stream_info(subjects.OBSERVED_STREAM)).state.messages
        finally:
            await client.close()

    eventually(lambda: background.run(waiting()) == 0, what="every report is handled")


def test_a_candidate_elsewhere_then_the_switch_then_the_first_host_is_left_and_one_wanted_again_comes_back(
    stack: Stack, one: ScriptedAgent, join: Join, pull: Pull, background: InBackground
) -> None:
    two = join("two")
    two.mute = True
    first = pull.commit
    takes(one, AgentState.DRAINING)
    second = pull.push("two", wait=False)
    eventually(lambda: pull.environment in two.desired, what="the other agent has the candidate")
    assert one.history[-1] == (first, ""), "each agent sees its own deployment only"
    assert two.history == [("", second)]
    assert served(stack) == first
    two.mute = False
    background.run(two.deploy_again(pull.environment))
    eventually(lambda: served(stack) == second)
    eventually(lambda: pull.has_left(one), what="the first agent has removed everything")
    steps = [state for state, _ in groupby(one.history)]
    assert steps == [("", first), (first, ""), ("", ""), ("gone", "gone")], "it drains before everything goes"
    assert two.history == [("", second), (second, "")]
    assert pull.live_on(two) and pull.is_there(two)

    takes(one, AgentState.ONLINE)
    takes(two, AgentState.DRAINING)
    pull.push("three")
    eventually(lambda: two.history[-1] == ("", ""), what="it leaves the second agent")
    takes(two, AgentState.ONLINE)
    assert previews.move(Environment.objects.get(pk=pull.environment), off=row(one), by=Actor.person("test"))
    eventually(lambda: pull.live_on(two), what="it is back")
    eventually(lambda: pull.has_left(one))
    assert pull.is_there(two)
    assert served(stack) == pull.commit


def test_an_offline_agent_is_left_for_another_and_what_a_revoked_one_ran_comes_up_and_says_what_is_lost(
    one: ScriptedAgent, join: Join, pull: Pull, background: InBackground
) -> None:
    two = join("two")
    goes_offline(one, background)
    pull.push("two")
    eventually(lambda: pull.live_on(two))
    assert not pull.has_left(one)
    comes_back(one, background)
    eventually(lambda: pull.has_left(one), what="it removed what it had")
    assert one.history[-1] == ("gone", "gone")
    assert pull.is_there(two)

    two.extra = [DB]
    pull.push("with data")
    fleet.revoke(row(two), by=Actor.person("test"))
    eventually(lambda: pull.live_on(one), what="it is built anew on the other agent")
    eventually(lambda: pull.has_left(two), what="nobody waits for the revoked one")
    live = Environment.objects.get(pk=pull.environment).live
    assert live is not None
    assert live.warnings == [
        "The data of db was on agent two, which is revoked: this deployment begins without it."
    ]


def test_data_keeps_a_preview_where_it_is(
    stack: Stack, one: ScriptedAgent, join: Join, pull: Pull, background: InBackground
) -> None:
    one.extra = [DB]
    first = pull.push("with data")
    two = join("two")
    goes_offline(one, background)
    second = pull.push("two", wait=False)
    waiting = eventually(lambda: Deployment.objects.filter(commit=second).first())
    assert waiting.waits_for == "agent one, which is offline: it has the data of db"
    assert served(stack) == first
    comes_back(one, background)
    eventually(lambda: served(stack) == second, what="it goes on where the data is")
    assert two.history == []
    assert Deployment.objects.get(pk=waiting.pk).shown_message == ""


def test_a_preview_waits_for_an_agent_and_is_placed_when_one_comes_online(
    stack: Stack, one: ScriptedAgent, project: Project, repository: Repository, background: InBackground
) -> None:
    goes_offline(one, background)
    commit = repository.commit("feature", "one")
    open_pull(project)
    waiting = eventually(lambda: Deployment.objects.filter(commit=commit).first())
    assert (waiting.agent, waiting.waits_for) == (None, "an agent: none is online")
    comes_back(one, background)
    eventually(lambda: served(stack) == commit)


def test_late_and_false_reports_of_both_change_nothing(
    stack: Stack, one: ScriptedAgent, join: Join, pull: Pull, background: InBackground
) -> None:
    two = join("two")
    old = Environment.objects.get(pk=pull.environment).live
    assert old is not None
    background.run(one.say(EnvironmentRemoved(environment=pull.environment)))  # while it serves
    takes(one, AgentState.DRAINING)
    second = pull.push("two")
    eventually(lambda: pull.live_on(two))
    new = Environment.objects.get(pk=pull.environment).live
    assert new is not None
    of_new = {"environment": pull.environment, "deployment": new.pk}
    of_old = {"environment": pull.environment, "deployment": old.pk}
    background.run(one.say(EnvironmentObserved(revision=99, services=[LIE], **of_new)))
    background.run(one.say(EnvironmentObserved(revision=99, services=[LIE], **of_old)))
    background.run(one.say(DeploymentFailed(reason="internal", message="no", **of_new)))
    background.run(two.say(DeploymentReady(services=[LIE], isolation=Isolation.CONTAINER, **of_old)))
    background.run(two.say(DeploymentFailed(reason="internal", message="late", **of_new)))
    background.run(two.say(EnvironmentRemoved(environment=pull.environment)))
    everything_is_heard(stack, background)
    eventually(lambda: pull.has_left(one))
    assert served(stack) == second and pull.live_on(two) and pull.is_there(two)
    assert "10.6.6.6" not in stack.traefik.routes.read_text()


def test_what_an_agent_without_an_engine_refuses_is_deployed_on_one_that_has_one(
    stack: Stack, agent: ScriptedAgent, join: Join, project: Project, repository: Repository
) -> None:
    agent.runtime = "process"
    eventually(
        Agent.objects.filter(pk=agent.id, heartbeat__runtime="process").exists, what="it says what it has"
    )
    first = repository.commit("feature", "one")
    open_pull(project)
    failed = eventually(Deployment.objects.filter(commit=first, state="failed").first, what="nobody runs it")
    assert (failed.reason, failed.agent_id) == ("needs_engine", agent.id)
    two = join("two")
    takes(two, AgentState.DRAINING)
    agent.mute = True
    second = repository.commit("feature", "two")
    open_pull(project)
    eventually(Deployment.objects.filter(commit=second, agent=agent.id).exists, what="it is placed")
    takes(two, AgentState.ONLINE)
    agent.mute = False
    agent.desired.clear()  # it looks again, and refuses
    eventually(lambda: served(stack) == second, what="the other agent runs it")
    eventually(
        Environment.objects.filter(live__commit=second, live__agent=two.id).exists, what="it is live there"
    )
