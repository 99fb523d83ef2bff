"""What is told of services to policies that look at previews: what is known in time, and nothing that is not."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.agent.environments import facts
from seatrial.agent.vocabulary.containers import Container, ContainerState, Listener
from seatrial.agent.vocabulary.errors import RuntimeUnavailable
from seatrial.wire.deployments import ObservedService
from seatrial.wire.states import ServiceKind

WEB = Container("c", {}, ContainerState.RUNNING, None, {}, "i", user="app")
SERVICE = ObservedService(name="web", kind=ServiceKind.WEB, state="running")


class Host:
    """Listens as it is told."""

    def __init__(self, *listeners: Listener, problem: Exception | None = None, wait: float = 0) -> None:
        self.listeners, self.problem, self.wait = list(listeners), problem, wait

    async def listening(self, container: Container, network: str) -> list[Listener]:
        await asyncio.sleep(self.wait)
        if self.problem is not None:
            raise self.problem
        return self.listeners

    async def image_ports(self, image: str) -> list[int]:
        return [9000]

    async def image_bytes(self, image: str) -> int | None:
        return 7


async def told(host: Any, container: Container = WEB, *, port: int | None = 8080) -> Any:
    service = SimpleNamespace(name="web", ports=(8080,), health=None, image=None)
    planned = SimpleNamespace(service=service, spec=SimpleNamespace(name="c", image="i"))
    launch = SimpleNamespace(services=[planned], network="n")
    launched: Any = SimpleNamespace(launch=launch, well={"web": SimpleNamespace(port=port)})
    (one,) = await facts.with_facts(host, launched, [SERVICE], {"c": container})
    return one.facts


async def test_ports_of_the_loopback_are_nobodys() -> None:
    found = await told(Host(Listener(8080), Listener(9229), Listener(5005, loopback=True)))
    assert (found.listening, found.declared, found.user) == ([8080, 9229], [8080, 9000], "app")
    assert found.image_bytes == 7


async def test_one_that_answers_and_listens_on_nothing_was_not_seen() -> None:
    assert (await told(Host())).listening is None
    assert (await told(Host(), port=None)).listening == []


async def test_where_the_engine_fails_or_is_slow_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told(Host(problem=RuntimeUnavailable("away"))) is None
    monkeypatch.setattr(facts, "PATIENCE_SECONDS", 0.01)
    assert await told(Host(wait=60)) is None
