"""Gathers facts: each once for the same tool and the same files, whoever asks, and however many at the same time."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from seatrial.agent.sandboxes.facts.fact import Fact, FactFailed
from seatrial.agent.sandboxes.facts.inputs import Inputs, archive_of, files_of, inputs_of
from seatrial.agent.sandboxes.facts.keeping import Keeping
from seatrial.agent.sandboxes.facts.running import Workshop, run
from seatrial.agent.sandboxes.facts.tools import Tool
from seatrial.agent.sandboxes.reading import Reading
from seatrial.agent.vocabulary.tree import Tree

log = structlog.get_logger(__name__)

AT_ONCE = 2  # tools of one agent; the others wait
MOST_KEPT = 200  # facts


class Gathering:
    """The facts of one agent. The newest are remembered until it ends; a run that failed is not.

    A run belongs to all who wait for it: it goes on when one of them is cancelled, within its own limits, and ends with `running`.
    """

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self._workshop = workshop
        self._keeping = Keeping(folder, workshop)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._facts: OrderedDict[str, asyncio.Task[Fact]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """When the block ends, so do all runs."""
        try:
            yield
        finally:
            for task in self._facts.values():
                task.cancel()
            await asyncio.gather(*self._facts.values(), return_exceptions=True)

    async def fact(self, tool: Tool, tree: Tree, reading: Reading) -> Fact:
        """What `tool` says of the commit. Raises FactFailed, and CheckoutError."""
        inputs = await inputs_of(reading, tool.looks_at)
        key = known_by(tool, inputs)
        task = self._facts.get(key)
        if task is None:
            task = self._facts[key] = asyncio.create_task(
                self._gathered(tool, tree, inputs), name=f"fact {tool.name}"
            )
            task.add_done_callback(lambda done: self._forget(key, done))
        self._facts.move_to_end(key)
        return await asyncio.shield(task)

    def _forget(self, key: str, task: asyncio.Task[Fact]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._facts.pop(key, None)
        for old in [one for one, each in self._facts.items() if each.done()][
            : max(0, len(self._facts) - MOST_KEPT)
        ]:
            del self._facts[old]

    async def _gathered(self, tool: Tool, tree: Tree, inputs: Inputs) -> Fact:
        if not inputs.entries:
            return Fact(tool=tool.name, version=tool.version, left_out=dict(inputs.left_out))
        async with self._turns:
            began = time.monotonic()
            kept = await self._keeping.of(tool) if tool.keeps else {}
            files = await files_of(tree, inputs.entries) | {
                f"kept/{name}": content for name, content in kept.items()
            }
            fact = await self._run(tool, await asyncio.to_thread(archive_of, files), inputs)
            fact.seconds = round(time.monotonic() - began, 3)
        log.info(
            "gathered", tool=tool.name, files=fact.files, findings=len(fact.findings), seconds=fact.seconds
        )
        return fact

    async def _run(self, tool: Tool, files: bytes, inputs: Inputs) -> Fact:
        answer = await run(self._workshop, tool, files)
        if answer.version != tool.version:
            raise FactFailed(
                tool.name,
                f"is version {answer.version or 'unknown'} in the sandbox, and this agent needs {tool.version}",
            )
        try:
            fact = tool.read(answer.version, answer.ran, {entry.path for entry in inputs.entries})
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            StopIteration,
            RecursionError,
        ) as error:
            raise FactFailed(
                tool.name, f"said something that cannot be read: {type(error).__name__}: {error}"[:500]
            ) from error
        fact.left_out |= inputs.left_out
        return fact


def known_by(tool: Tool, inputs: Inputs) -> str:
    """What a fact depends on, which is known without gathering it."""
    return f"{tool.known_by} {inputs.digest}"
