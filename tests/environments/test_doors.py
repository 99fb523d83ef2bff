"""Doors: where the ingress of another host reaches a preview, while deployments switch, agents restart and containers go."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from seatrial.agent import firewall
from seatrial.agent.doors import CLOSED, FIRST, NOBODY, TAKEN, Doors
from seatrial.wire.deployments import (
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
)
from seatrial.wire.states import ServiceKind
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, shop
from tests.repositories import Repository
from tests.waiting import until

# An agent claims its address on this machine, where other tests may run, too.
ADDRESS, INGRESS = f"10.99.{os.getpid() % 250}.7", "10.99.0.5"


class Filter:
    """The host's packet filter, as far as doors fill it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.doors: list[str] = []
        self.works = True
        monkeypatch.setattr(firewall, "available", lambda: True)
        monkeypatch.setattr(firewall, "put_in_place", self.put_in_place)
        monkeypatch.setattr(firewall, "forwarding", self.forwarding)

    async def put_in_place(
        self, table: str, chain: str, rules: Sequence[firewall.Rule], *jumps: firewall.Rule
    ) -> bool:
        if table == "nat":
            self.doors = [" ".join(rule) for rule in rules]
        return self.works

    async def forwarding(self) -> str:
        return "DOCKER-USER"

    def leads(self, endpoint: str | None) -> str:
        """Where a connection from the ingress to the endpoint ends."""
        address, _, port = str(endpoint).partition(":")
        start = f"-s {INGRESS} -p tcp --dport {port} -j DNAT --to-destination "
        [rule] = [one for one in self.doors if one.startswith(start)]
        assert address == ADDRESS
        return rule.removeprefix(start)


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> Filter:
    return Filter(monkeypatch)


def service(container: str, endpoint: str | None) -> ObservedService:
    return ObservedService(
        name="web", kind=ServiceKind.WEB, state="running", endpoint=endpoint, container=container
    )


async def opened(doors: Doors, environment: str, container: str, endpoint: str) -> str:
    [one] = await doors.open(environment, [service(container, endpoint)])
    return one.endpoint or ""


async def test_the_ingress_reaches_both_versions_of_a_preview_at_doors_of_their_own(
    agent: Agent, repository: Repository, busybox: str, packets: Filter, tmp_path: Path
) -> None:
    agent.ways = Doors(ADDRESS, [INGRESS], tmp_path / "doors.json")
    first = deployment(repository.commit(shop(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        web, database = (next(s for s in ready.services if s.name == name) for name in ("web", "db"))
        assert await agent.runtime.fetch(packets.leads(web.endpoint)) == "hello"
        assert database.endpoint is None, "what is not routed has no door"
        live = await agent.reports.next(EnvironmentObserved, deployment=first.id)
        assert {s.endpoint for s in live.services} == {s.endpoint for s in ready.services}

        second = deployment(repository.commit(shop(busybox, "changed")))
        update = then(wanted, revision=5, live=first, candidate=second)
        environments.wanted(update)
        ready = await agent.reports.next(DeploymentReady, deployment=second.id)
        after = next(s for s in ready.services if s.name == "web")
        assert await agent.runtime.fetch(packets.leads(after.endpoint)) == "changed"
        assert await agent.runtime.fetch(packets.leads(web.endpoint)) == "hello", (
            "until the switch, and while it drains"
        )

        environments.wanted(then(update, live=second, candidate=None))
        await agent.reports.next(EnvironmentObserved, deployment=second.id)
        await until(lambda: len(packets.doors) == 2, what="the old version's doors are closed")
        assert await agent.runtime.fetch(packets.leads(after.endpoint)) == "changed"
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved, environment=wanted.environment)
        assert packets.doors == []
    agent.ways.leave()


async def test_a_container_that_begins_again_elsewhere_keeps_its_door_also_after_the_agents_restart(
    packets: Filter, tmp_path: Path
) -> None:
    file = tmp_path / "doors.json"
    doors = Doors(ADDRESS, [INGRESS], file)
    door = await opened(doors, "e", "c1", "172.18.0.2:80")
    assert packets.leads(door) == "172.18.0.2:80"
    assert await opened(doors, "e", "c1", "172.18.0.9:80") == door
    assert packets.leads(door) == "172.18.0.9:80"
    other = await opened(doors, "e", "c1", "172.18.0.9:81")
    assert other != door
    doors.leave()
    later = Doors(ADDRESS, [INGRESS], file)
    assert await opened(later, "e", "c1", "172.18.0.3:80") == door
    assert packets.leads(other) == "172.18.0.9:81", "nothing is forgotten"
    later.leave()


async def test_a_port_that_is_given_back_leads_nowhere_and_is_not_the_next_one_given(
    packets: Filter, tmp_path: Path
) -> None:
    doors = Doors(ADDRESS, [INGRESS], tmp_path / "doors.json")
    gone = await opened(doors, "e1", "c1", "172.18.0.2:80")
    stays = await opened(doors, "e2", "c2", "172.18.0.3:80")
    await doors.keep("e1", ())
    assert packets.doors == [
        f"-s {INGRESS} -p tcp --dport {FIRST + 1} -j DNAT --to-destination 172.18.0.3:80"
    ]
    assert await opened(doors, "e3", "c3", "172.18.0.2:80") not in {gone, stays}
    await doors.keep("e2", {"c2"})
    assert packets.leads(stays) == "172.18.0.3:80"
    doors.leave()


async def test_without_rules_it_is_said_and_endpoints_stay_what_they_are(
    packets: Filter, tmp_path: Path
) -> None:
    packets.works = False
    doors = Doors(ADDRESS, [INGRESS], tmp_path / "doors.json")
    assert await opened(doors, "e", "c", "172.18.0.2:80") == "172.18.0.2:80"
    assert doors.warnings == (CLOSED,)
    second = Doors(ADDRESS, [INGRESS], tmp_path / "other.json")
    await opened(second, "e", "c", "172.18.0.2:80")
    assert second.warnings == (TAKEN,), "two agents would lead one port to two previews"
    packets.works = True
    assert (await opened(doors, "e", "c", "172.18.0.3:80")).startswith(ADDRESS)
    assert doors.warnings == ()
    doors.leave()
    nobody = Doors(ADDRESS, [], tmp_path / "none.json")
    await opened(nobody, "e", "c", "172.18.0.2:80")
    assert nobody.warnings == (NOBODY,)
    unwanted = Doors(ADDRESS, [INGRESS], tmp_path / "none.json", wanted=False)
    await opened(unwanted, "e", "c", "172.18.0.4:80")
    assert unwanted.warnings == (CLOSED,)


async def test_a_file_that_cannot_be_read_costs_the_numbers_and_nothing_else(
    packets: Filter, tmp_path: Path
) -> None:
    (tmp_path / "doors.json").write_text("[{")
    doors = Doors(ADDRESS, [INGRESS], tmp_path / "doors.json")
    assert await opened(doors, "e", "c", "172.18.0.2:80") == f"{ADDRESS}:{FIRST}"
    doors.leave()
