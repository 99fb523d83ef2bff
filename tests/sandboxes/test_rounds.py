"""How the policies of an evaluation are shared out among sandboxes: plain values, and sandboxes that are none."""

import asyncio
from typing import Any

import pytest

from seatrial.agent.sandboxes import rounds
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.rounds import Round, shared_out
from seatrial.wire.states import Isolation
from tests.sandboxes.conftest import policy
from tests.sandboxes.test_pool import Ready


class Starting:
    """A backend whose starts are noted; those of `refused` fail, each once."""

    isolation, python = Isolation.GVISOR, "3.13"

    def __init__(self, *refused: int) -> None:
        self.started: list[int] = []
        self._refused = set(refused)

    async def start(self, children: int, berth: object = None) -> Any:
        self.started.append(children)
        if len(self.started) in self._refused:
            raise SandboxError("the engine is busy")
        return Ready()


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> dict[int, asyncio.Event]:
    """Sessions that end when their gate opens, by how many policies they run."""
    opened: dict[int, asyncio.Event] = {}

    class Played:
        suspects: tuple[int, ...] = ()

        def __init__(self, sandbox: object, answers: object, foreseen: object) -> None:
            self.outcomes: dict[int, Outcome] = {}

        async def run(self, policies: Any) -> None:
            if gate := opened.get(len(policies)):
                await gate.wait()
            self.outcomes = {index: Outcome(how=Ending.FINISHED) for index, _ in policies}

    monkeypatch.setattr(rounds, "Session", Played)
    return opened


def policies(count: int) -> Any:
    return [(number, policy("", f"p-{number}")) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (14, [14]), (15, [8, 7]), (28, [14, 14]), (29, [14, 14, 1]), (60, [14, 14, 14, 14, 4])],
)
def test_warm_sandboxes_are_filled_before_another_one_has_to_start(count: int, sizes: list[int]) -> None:
    batches = shared_out(policies(count), 14)
    assert [len(batch) for batch in batches] == sizes
    assert sorted(index for batch in batches for index, _ in batch) == list(range(count))


async def test_a_further_sandbox_starts_while_the_warm_ones_are_at_work(
    gates: dict[int, asyncio.Event],
) -> None:
    gates[14] = asyncio.Event()
    backend = Starting()
    running = asyncio.create_task(Round(Pool(backend, size=0), lambda _: None).run(policies(29)))  # type: ignore[arg-type, return-value]
    while len(backend.started) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert backend.started == [14, 14, 1] and not running.done()
    gates[14].set()
    assert len(await running) == 29


async def test_a_further_sandbox_that_does_not_start_costs_nobody_a_result(
    gates: dict[int, asyncio.Event],
) -> None:
    backend = Starting(3)
    outcomes = await Round(Pool(backend, size=0), lambda _: None).run(policies(29))  # type: ignore[arg-type, return-value]
    assert backend.started == [14, 14, 1, 1]
    assert {outcome.how for outcome in outcomes.values()} == {Ending.FINISHED} and len(outcomes) == 29


async def test_where_none_can_be_started_that_is_said(gates: dict[int, asyncio.Event]) -> None:
    with pytest.raises(SandboxError, match="busy"):
        await Round(Pool(Starting(1), size=0), lambda _: None).run(policies(3))  # type: ignore[arg-type, return-value]
