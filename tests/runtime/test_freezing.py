"""A container that the kernel does not freeze at the first try."""

from dataclasses import dataclass
from typing import cast

import pytest

from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker import containers
from seatrial.agent.runtime.docker.containers import Containers
from seatrial.agent.vocabulary.containers import Container, ContainerState
from seatrial.agent.vocabulary.errors import EngineRefused, Refusal, StartError


@dataclass
class Busy:
    """An engine whose runtime says no `times` times."""

    times: int
    refusal: Refusal = Refusal.NOT_FROZEN
    state: ContainerState = ContainerState.RUNNING
    asked: int = 0

    @property
    def containers(self) -> "Busy":
        return self

    async def get(self, name: str) -> Container:
        return Container(name, {}, self.state, None, {}, "shop:1")

    async def pause(self, name: str) -> None:
        self.asked += 1
        if self.asked <= self.times:
            raise EngineRefused("unable to freeze", status=500, refusal=self.refusal)
        self.state = ContainerState.PAUSED


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "FREEZE_WAITS_SECONDS", (0.0, 0.0, 0.0))


def on(engine: Busy) -> Containers:
    found = Containers()
    found.engine = cast(Engine, engine)
    return found


async def test_it_is_asked_again() -> None:
    engine = Busy(times=3)
    await on(engine).pause("web")
    assert engine.state is ContainerState.PAUSED and engine.asked == 4


async def test_in_the_end_it_is_said() -> None:
    engine = Busy(times=4)
    with pytest.raises(StartError, match="cannot pause container web: unable to freeze"):
        await on(engine).pause("web")
    assert engine.asked == 4


async def test_another_no_is_final() -> None:
    engine = Busy(times=1, refusal=Refusal.OTHER)
    with pytest.raises(StartError):
        await on(engine).pause("web")
    assert engine.asked == 1


async def test_what_does_not_run_is_not_frozen() -> None:
    engine = Busy(times=9, state=ContainerState.EXITED)
    await on(engine).pause("web")
    assert engine.asked == 0
