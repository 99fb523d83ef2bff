"""All policies of one evaluation: remembered results first, then sandboxes, until each has an outcome."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.session import GRACE_SECONDS, MEMORY_TOGETHER_MB, Session
from seatrial.wire.evaluations import PolicyToRun

log = structlog.get_logger(__name__)

START_SECONDS = 60.0  # in which all sandboxes of an evaluation must come up
Numbered = Sequence[tuple[int, PolicyToRun]]


@dataclass
class Trial:
    """Runs policies until each has an outcome, whatever they do.

    If a sandbox is lost, only the policy that caused it is lost: policies that were running in it run once more, each in
    a sandbox of its own; those that had not started continue in a fresh one. The caller enforces the overall deadline.
    """

    pool: Pool
    broker: Broker

    async def run(self, policies: Numbered) -> dict[int, Outcome]:
        """One outcome for each (index, policy). Raises SandboxError if no sandbox can be started at all."""
        outcomes: dict[int, Outcome] = {}
        try:
            async with asyncio.timeout(deadline(policies)):
                await self._run(policies, outcomes)
        except TimeoutError:
            log.warning("evaluation ended from outside: its sandboxes did not end in time")
        for index, _ in policies:
            outcomes.setdefault(index, Outcome(how=Ending.TIMED_OUT, note="the evaluation ran out of time"))
        return outcomes

    async def _run(self, policies: Numbered, outcomes: dict[int, Outcome]) -> None:
        while todo := [pair for pair in policies if pair[0] not in outcomes]:
            lost, suspects = await self._batch(todo[: self.pool.children], outcomes)
            alone = [pair for pair in todo if pair[0] in suspects]
            if lost and not alone and not any(index in outcomes for index, _ in todo):
                raise SandboxError(lost)  # it failed before anything ran: another one would too
            for pair in alone:
                log.warning("sandbox lost; running its policy again alone", policy=pair[1].slug, problem=lost)
                await self._alone(pair, outcomes)

    async def _alone(self, pair: tuple[int, PolicyToRun], outcomes: dict[int, Outcome]) -> None:
        lost, _ = await self._batch([pair], outcomes)
        if pair[0] not in outcomes:
            note = f"ended the whole sandbox it ran in; it may have used too much memory ({lost})"
            outcomes[pair[0]] = Outcome(how=Ending.LOST, note=note)

    async def _batch(self, batch: Numbered, outcomes: dict[int, Outcome]) -> tuple[str | None, list[int]]:
        async with self.pool.claim(len(batch)) as sandbox:
            session = Session(sandbox, self.broker)
            lost = await session.run(batch)
            outcomes.update(session.outcomes)
            return lost, session.suspects


def deadline(policies: Numbered) -> float:
    """Seconds after which the evaluation must be over: enough if every policy uses all its time and runs again alone."""
    longest = max((p.timeout_seconds for _, p in policies), default=0.0)
    together = max(1, MEMORY_TOGETHER_MB // max((p.memory_mb for _, p in policies), default=1))
    rounds = math.ceil(len(policies) / together)
    return START_SECONDS + rounds * (longest + GRACE_SECONDS) * 2
