"""Policies that are run together: sandboxes until each has an outcome."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from seatrial.agent.sandboxes.berths import NoNetwork
from seatrial.agent.sandboxes.budget import FACTS_SECONDS, MOST_SECONDS
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.foresight import Foreseen, nothing
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.pool import WARM_SECONDS, Pool
from seatrial.agent.sandboxes.questions import AnswersOf
from seatrial.agent.sandboxes.session import GRACE_SECONDS, MEMORY_TOGETHER_MB, Session
from seatrial.wire.evaluations import PolicyToRun

log = structlog.get_logger(__name__)

AT_ONCE = 2  # sandboxes of one evaluation: as many as are kept warm; of a large one, another one beside them
START_SECONDS = 60.0  # in which all sandboxes of an evaluation must come up
NETWORKED_AT_ONCE = 2  # policies of one evaluation that may use the network; each has a sandbox of its own
NETWORKED_TRIES = 2  # of starting such a sandbox
Pair = tuple[int, PolicyToRun]
Numbered = Sequence[Pair]


@dataclass
class Round:
    """Runs policies until each has an outcome, whatever they do.

    If a sandbox is lost, only the policy that caused it is lost: policies that were running in it run once more, each in
    a sandbox of its own; those that had not started continue in a fresh one. Policies that may use the network run beside, each
    in a sandbox of its own: what is wrong with the network or those sandboxes is an outcome of these policies alone. The caller
    enforces the overall deadline.
    """

    pool: Pool
    answers: AnswersOf
    foreseen: Foreseen = nothing

    async def run(self, policies: Numbered) -> dict[int, Outcome]:
        """One outcome for each (index, policy). Raises SandboxError if no sandbox can be started at all."""
        outcomes: dict[int, Outcome] = {}
        try:
            async with asyncio.timeout(deadline(policies)):
                await self._all(policies, outcomes)
        except TimeoutError:
            log.warning("evaluation ended from outside: its sandboxes did not end in time")
        for index, _ in policies:
            outcomes.setdefault(index, Outcome(how=Ending.TIMED_OUT, note="the evaluation ran out of time"))
        return outcomes

    async def _all(self, policies: Numbered, outcomes: dict[int, Outcome]) -> None:
        places = asyncio.Semaphore(NETWORKED_AT_ONCE)
        aside = [
            asyncio.create_task(self._networked(pair, outcomes, places), name=f"networked {pair[1].slug}")
            for pair in policies
            if pair[1].network
        ]
        try:
            await self._run([pair for pair in policies if not pair[1].network], outcomes)
            await asyncio.gather(*aside)
        finally:
            for task in aside:
                task.cancel()
            await asyncio.gather(*aside, return_exceptions=True)

    async def _networked(self, pair: Pair, outcomes: dict[int, Outcome], places: asyncio.Semaphore) -> None:
        """One outcome for a policy that may use the network. Never raises but when cancelled."""
        problem = ""
        async with places:
            for _ in range(NETWORKED_TRIES):
                try:
                    outcomes[pair[0]] = await self._at_a_berth(pair)
                    return
                except NoNetwork as error:
                    problem = str(error)
                    break
                except SandboxError as error:
                    problem = str(error)
                    log.warning("no sandbox with a network", policy=pair[1].slug, problem=problem)
        outcomes[pair[0]] = Outcome(how=Ending.LOST, note=problem)

    async def _at_a_berth(self, pair: Pair) -> Outcome:
        async with self.pool.claim_networked() as (sandbox, network):
            session = Session(sandbox, self.answers)
            lost = await session.run([pair])
            outcome = session.outcomes.get(pair[0]) or Outcome(how=Ending.LOST, note=ended_it(lost))
            outcome.network = network
            return outcome

    async def _run(self, policies: Numbered, outcomes: dict[int, Outcome]) -> None:
        while todo := [pair for pair in policies if pair[0] not in outcomes]:
            suspects = await self._together(todo, outcomes)
            for pair in todo:
                if pair[0] in suspects:
                    log.warning("sandbox lost; running its policy again alone", policy=pair[1].slug)
                    await self._alone(pair, outcomes)

    async def _together(self, todo: Numbered, outcomes: dict[int, Outcome]) -> list[int]:
        """Run what fits into the sandboxes that are warm, and into one more, which starts meanwhile; returns suspects. Raises
        SandboxError if nothing could run in one of them; what another one was not started for is left."""
        batches = shared_out(todo, self.pool.children)[: AT_ONCE + 1]
        before = len(outcomes)
        tasks = [asyncio.create_task(self._batch(batch, outcomes), name="batch") for batch in batches]
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        ended = []
        for batch, task in zip(batches, tasks, strict=True):
            error = task.exception()
            if error is not None:
                if not isinstance(error, SandboxError) or len(outcomes) == before:
                    raise error
                log.warning("a sandbox could not be started; its policies wait", problem=str(error))
                continue
            lost, suspects = task.result()
            if lost and not suspects and not any(index in outcomes for index, _ in batch):
                raise SandboxError(lost)  # it failed before anything ran: another one would too
            ended += suspects
        return ended

    async def _alone(self, pair: Pair, outcomes: dict[int, Outcome]) -> None:
        lost, _ = await self._batch([pair], outcomes)
        if pair[0] not in outcomes:
            outcomes[pair[0]] = Outcome(how=Ending.LOST, note=ended_it(lost))

    async def _batch(self, batch: Numbered, outcomes: dict[int, Outcome]) -> tuple[str | None, list[int]]:
        async with self.pool.claim(len(batch)) as sandbox:
            session = Session(sandbox, self.answers, self.foreseen)
            lost = await session.run(batch)
            outcomes.update(session.outcomes)
            return lost, session.suspects


def shared_out(policies: Numbered, most: int) -> list[Numbered]:
    """As few batches as hold all, none with more than `most`, and all about as large; where they are more than the sandboxes that are
    warm, these are filled, because another one starts the sooner the fewer children it has."""
    count = math.ceil(len(policies) / most)
    if count > AT_ONCE:
        return [policies[first : first + most] for first in range(0, len(policies), most)]
    return [policies[number::count] for number in range(count)]


def ended_it(lost: str | None) -> str:
    """Why there is no result of a policy that was alone in a sandbox."""
    return f"ended the whole sandbox it ran in; it may have used too much memory ({lost})"


def deadline(policies: Numbered) -> float:
    """Seconds after which the evaluation must be over: enough if every policy uses all its time and runs again alone."""
    longest = max((p.timeout_seconds for _, p in policies), default=0.0)
    networked = math.ceil(sum(p.network for _, p in policies) / NETWORKED_AT_ONCE)
    aside = networked * (WARM_SECONDS + longest + GRACE_SECONDS) * NETWORKED_TRIES
    together = max(1, MEMORY_TOGETHER_MB // max((p.memory_mb for _, p in policies), default=1))
    rounds = math.ceil(len(policies) / together)
    return START_SECONDS + rounds * (longest + GRACE_SECONDS) * 2 + MOST_SECONDS + FACTS_SECONDS + aside
