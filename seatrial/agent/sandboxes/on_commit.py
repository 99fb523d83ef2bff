"""Runs policies on a commit: those of other languages are skipped, remembered results are taken, and the others run."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.comparing import Change
from seatrial.agent.sandboxes.facts.gathering import Gathering
from seatrial.agent.sandboxes.located import located
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.outcome import Outcome
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.previewed import OnPreview
from seatrial.agent.sandboxes.questions import Answers, Seen
from seatrial.agent.sandboxes.rounds import Pair, Round
from seatrial.agent.sandboxes.validation import judge
from seatrial.agent.vocabulary.credentials import Credentials
from seatrial.agent.vocabulary.errors import CheckoutError, FetchFailed
from seatrial.agent.vocabulary.tree import Checkouts, Tree
from seatrial.agent.vocabulary.visits import Visits, nobody
from seatrial.wire.digests import digest_of
from seatrial.wire.evaluations import Digests, PolicyResult, PolicyToRun, RunEvaluation, ToolRun
from seatrial.wire.states import ResultState

log = structlog.get_logger(__name__)

PAUSES = (1.0, 4.0)  # before git fetches again what it could not, and policies run again that the host failed
Judged = tuple[PolicyResult, Seen]


@dataclass
class OnCommit:
    """What the host fails at while a policy asks is never that policy's verdict: the policy is ended and runs again, after each of
    PAUSES; then it is errored, with the reason. So is a fetch that failed. Nothing else is tried again here. Calls may run concurrently."""

    checkouts: Checkouts
    pool: Pool
    memo: Memo
    gathering: Gathering | None = None  # of facts
    pauses: Sequence[float] = PAUSES
    visits: Visits = nobody

    async def results(self, command: RunEvaluation, credentials: Credentials) -> list[PolicyResult]:
        """The result of each policy on the commit. Raises SandboxError without a sandbox, other AgentErrors without a commit."""
        where = self._where
        tree = await self._tree_at_last(command, credentials)
        broker = self._broker(tree, command, credentials)
        results: dict[int, PolicyResult] = {}
        for index, policy in enumerate(command.policies):
            if policy.languages and not await broker.has_language(policy.languages):
                results[index] = skipped(policy)
                continue
            if policy.live and command.preview is None:
                results[index] = without_preview(policy)
                continue
            if elsewhere(policy) or command.fresh:
                continue  # what it finds there is no answer of ours, so nobody knows whether it would find the same again
            known = await self.memo.find(command.project, policy, where, broker)
            if known is not None:
                results[index] = known
        todo = [(index, one) for index, one in enumerate(command.policies) if index not in results]
        for index, (result, seen) in (await self._run(todo, broker, command, credentials)).items():
            results[index] = result
            policy = command.policies[index]
            if not elsewhere(policy):
                await self.memo.keep(command.project, policy, where, seen, result)
        return [results[index] for index in range(len(command.policies))]

    @property
    def _where(self) -> str:
        return f"{self.pool.backend.isolation} {self.pool.backend.python}"

    def _broker(self, tree: Tree, command: RunEvaluation, credentials: Credentials) -> Broker:
        change = Change(command.event, command.commit, command.base_commit, command.ref, command.number)

        async def base() -> Tree:
            return await self.checkouts.fetch(
                command.source, command.repository, command.base_commit, credentials
            )

        return Broker(tree, command.facts, change, base if command.base_commit else None, self.gathering)

    async def _tree(self, command: RunEvaluation, credentials: Credentials) -> Tree:
        return await self.checkouts.fetch(command.source, command.repository, command.commit, credentials)

    async def _tree_at_last(self, command: RunEvaluation, credentials: Credentials) -> Tree:
        """The commit's tree; where git could not fetch it, what it is after each of the pauses."""
        for pause in self.pauses:
            try:
                return await self._tree(command, credentials)
            except FetchFailed as error:
                log.warning("a commit could not be fetched", problem=str(error), again_in_seconds=pause)
            await asyncio.sleep(pause)
        return await self._tree(command, credentials)

    async def _run(
        self, todo: list[Pair], broker: Broker, command: RunEvaluation, credentials: Credentials
    ) -> dict[int, Judged]:
        judged: dict[int, Judged] = {}
        for pause in (*self.pauses, None):
            outcomes = await self._round(todo, broker, command)
            failed = [pair for pair in todo if outcomes[pair[0]].again]
            for index, policy in todo:
                judged[index] = await self._judged(policy, outcomes[index], broker)
            if pause is None or not failed:
                break
            log.warning("the host failed policies; they run again", policies=[one.slug for _, one in failed])
            await asyncio.sleep(pause)
            try:
                broker = self._broker(await self._tree(command, credentials), command, credentials)
            except CheckoutError as error:
                log.warning("the commit cannot be read again", problem=str(error))
                break
            todo = failed
        return judged

    async def _round(self, todo: list[Pair], broker: Broker, command: RunEvaluation) -> dict[int, Outcome]:
        answers: dict[int, Answers] = {index: broker for index, _ in todo}
        if command.preview is not None:
            visitors = [index for index, policy in todo if policy.live]
            seen, run = command.preview, command.evaluation
            answers |= {index: OnPreview(broker, seen, run, self.visits) for index in visitors}

        def foreseen(index: int) -> Sequence[str]:
            return self.memo.asked(command.project, command.policies[index], self._where)

        return await Round(self.pool, answers.__getitem__, foreseen).run(todo) if todo else {}

    async def _judged(self, policy: PolicyToRun, outcome: Outcome, broker: Broker) -> Judged:
        """The result, and all that it depends on."""
        result = judge(policy, outcome)
        try:
            findings, seen = await located(policy.slug, result.findings, broker)
        except CheckoutError as error:
            outcome.failed(f"the lines that it names could not be read: {error}", again=False)
            return judge(policy, outcome), []
        everything = outcome.seen + seen
        update = {
            "findings": findings,
            "digests": digests(policy, everything),
            "tools": tools_of(outcome.seen, broker),
        }
        return result.model_copy(update=update), everything


def tools_of(seen: Seen, broker: Broker) -> list[ToolRun]:
    """The tools whose facts were among the answers."""
    questions = [json.loads(asked) for asked, _ in seen]
    asked_for = {question[1][0] for question in questions if question[0] == "fact"}
    return [broker.gathered[name].run for name in sorted(asked_for & broker.gathered.keys())]


def digests(policy: PolicyToRun, seen: Seen) -> Digests:
    """What the result of `policy` depends on."""
    return Digests(
        code=hashlib.sha256(policy.code.encode()).hexdigest(),
        params=digest_of(policy.params),
        answers=digest_of(sorted(set(seen))),
    )


def elsewhere(policy: PolicyToRun) -> bool:
    """Whether it looks at what may be another thing the next time, without the commit being another."""
    return policy.network or policy.live


def without_preview(policy: PolicyToRun) -> PolicyResult:
    """The result of a live policy on a commit whose preview does not run."""
    message = "No preview of this commit is live, so there is nothing to look at."
    return PolicyResult(
        version_id=policy.version_id, slug=policy.slug, state=ResultState.SKIPPED, message=message
    )


def skipped(policy: PolicyToRun) -> PolicyResult:
    """The result of a policy for other languages."""
    message = f"No file of this commit is written in {' or '.join(policy.languages)}."
    return PolicyResult(
        version_id=policy.version_id, slug=policy.slug, state=ResultState.SKIPPED, message=message
    )
