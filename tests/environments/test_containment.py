"""What comes from a fork runs with all of its walls or not at all, and each network says where its containers connect to."""

from typing import Any

import pytest

from seatrial.agent.vocabulary.egress import Egress, egress_of
from seatrial.agent.vocabulary.labels import EGRESS
from seatrial.wire.deployments import DeploymentFailed, DeploymentReady
from seatrial.wire.states import Isolation
from tests.agent.harness import Agent, deployment, environment
from tests.repositories import Repository
from tests.runtime.fake import FakeRuntime

PAGE = """
services:
  web:
    image: busybox:fake
    command: [httpd, -f, -p, "8080", -h, /www]
    ports: ["8080"]
"""


async def outcome(agent: Agent, repository: Repository, **asked: Any) -> DeploymentReady | DeploymentFailed:
    """How a deployment ends."""
    commit = repository.commit({"compose.yaml": PAGE})
    candidate = deployment(commit).model_copy(update=asked)
    async with agent.running() as environments:
        environments.wanted(environment(repository, "pr-1-shop", candidate=candidate))
        kinds = DeploymentReady, DeploymentFailed
        while not (ended := [one for one in agent.reports.events if isinstance(one, kinds)]):
            async with agent.reports._changed:
                await agent.reports._changed.wait()
    return ended[0]


async def test_a_forks_code_runs_under_gvisor_and_reaches_the_internet_alone(
    agent: Agent, repository: Repository, runtime: FakeRuntime
) -> None:
    agent.egress = Egress.OPEN
    ready = await outcome(agent, repository, untrusted=True, private_networks=True)
    assert isinstance(ready, DeploymentReady) and ready.isolation is Isolation.GVISOR
    assert {box.spec.isolation for box in runtime.boxes.values()} == {Isolation.GVISOR}
    assert [network.labels[EGRESS] for network in runtime.networks.values()] == ["internet"]


@pytest.mark.parametrize(
    ("lacks", "asked", "setting", "says"),
    [
        ({"without_gvisor": "no gVisor. Register it"}, {"untrusted": True}, Egress.INTERNET, "comes from a fork"),
        ({"without_rules": "no rules. Be root"}, {"untrusted": True}, Egress.INTERNET, "comes from a fork"),
        ({"without_rules": "no rules. Be root"}, {}, Egress.NONE, "GALLEY_PREVIEW_EGRESS=none"),
    ],
    ids=["gVisor is missing", "rules are missing", "nothing may go out, and rules are missing"],
)  # fmt: skip
async def test_what_lacks_a_wall_is_refused_with_the_fix_before_anything_is_built(
    agent: Agent, repository: Repository, runtime: FakeRuntime, lacks: dict[str, str], asked: dict[str, bool], setting: Egress, says: str
) -> None:  # fmt: skip
    for name, why in lacks.items():
        setattr(runtime, name, why)
    agent.egress = setting
    failed = await outcome(agent, repository, **asked)
    assert isinstance(failed, DeploymentFailed) and failed.reason == "not_contained"
    assert says in failed.message and next(iter(lacks.values())) in failed.message
    assert not runtime.boxes and not runtime.networks


async def test_what_is_trusted_runs_without_gvisor_and_without_rules(
    agent: Agent, repository: Repository, runtime: FakeRuntime
) -> None:
    runtime.without_gvisor = runtime.without_rules = "it is not there"
    ready = await outcome(agent, repository, private_networks=True)
    assert isinstance(ready, DeploymentReady) and ready.isolation is Isolation.CONTAINER
    assert [network.labels[EGRESS] for network in runtime.networks.values()] == ["open"]


@pytest.mark.parametrize("setting", Egress)
@pytest.mark.parametrize("permitted", [False, True])
@pytest.mark.parametrize("trusted", [False, True])
def test_private_networks_take_trust_and_a_permission(
    setting: Egress, *, permitted: bool, trusted: bool
) -> None:
    egress = egress_of(setting, trusted=trusted, private_networks=permitted)
    assert (egress is Egress.NONE) == (setting is Egress.NONE)
    assert (egress is Egress.OPEN) == (
        trusted and setting is not Egress.NONE and (permitted or setting is Egress.OPEN)
    )
