"""Warm sandboxes, each used once, refilled in the background."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

import structlog

from seatrial.agent.sandboxes.berths import GVISOR_HAS_NONE, Berth, Berths, Harbour, NoNetwork
from seatrial.agent.sandboxes.channel import Place, Sandbox, SandboxError
from seatrial.agent.vocabulary.calm import Calm
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.states import Isolation

log = structlog.get_logger(__name__)

LEAVE_SECONDS = 20.0  # sandboxes that are left after this are removed as orphans at the next start
WARM_SECONDS = 30.0  # how long a sandbox may take to come up
LOOK_SECONDS = 10.0  # how often the warm sandboxes are checked for dead ones
MAX_PAUSE_SECONDS = 10.0
UNDISTURBED_SECONDS = 3.0  # that an evaluation runs at most before its sandboxes are replaced
PREVIEW_SECONDS = 10.0  # that they are not replaced at most while previews are built and started
LASTING_PAUSE_SECONDS = (5.0, 600.0)  # first and longest, after a start that would fail again


class Backend(Protocol):
    """Makes sandboxes. `prepare` is called first, once; the other calls may then run concurrently."""

    isolation: Isolation
    python: str  # the version that policies run with; known once it is prepared

    async def prepare(self) -> list[str]:
        """Prepare for starts; returns warnings for people. Raises SandboxError if sandboxes are impossible or not permitted."""

    async def look(self) -> list[str]:
        """Switch to better isolation if it has become available, never to weaker; returns warnings for people."""

    async def start(self, children: int, berth: Berth | None = None) -> Sandbox:
        """Start a sandbox, at `berth` if there is one. Raises SandboxError. If cancelled, it leaves nothing behind."""

    async def start_tool(self, *, empty: bool = False) -> Place:
        """Start a sandbox for one tool, as `start` does: see `facts.running.Workshop`."""


class Pool:
    """Keeps `size` sandboxes warm. They hold no data of any tenant until they get one evaluation.

    `claim` never waits for a refill: if none is warm, it starts one. A refill waits until no sandbox is claimed, and until no preview is
    brought up (`previews`), for a while: a start takes more processor time than most evaluations, and both would wait for it. `claim` skips sandboxes that died while waiting or have
    weaker isolation than is available now. After a start that failed for a lasting reason (given by `problem`), no sandbox
    is started for a while, and claims fail at once. Everything is destroyed at the end of `running`.

    Sandboxes at a berth, for policies that may use the network, are never kept warm: few policies ask for it, each gets one of its
    own, and it takes a berth and memory as long as it is there.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        berths: Berths | None = None,
        size: int = 2,
        children: int = 14,
        previews: Calm | None = None,
    ) -> None:
        self.backend = backend
        self.berths = berths or Berths(None, "", Harbour())
        self.children = children
        self.size = size
        self._warm: deque[Sandbox] = deque()
        self._wanted = asyncio.Event()
        self._claims, self._previews = Calm(), previews or Calm()
        self._leaving: set[asyncio.Task[None]] = set()
        self.used = 0  # how many sandboxes are claimed now
        self.problem = ""
        self._pause = 0.0
        self._not_before = 0.0

    @property
    def warm(self) -> int:
        """The number of warm sandboxes."""
        return len(self._warm)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Pool"]:
        """Refill as long as the block runs."""
        refilling = asyncio.create_task(self._refill(), name="refill sandboxes")
        try:
            yield self
        finally:
            refilling.cancel()
            await asyncio.gather(refilling, return_exceptions=True)
            while self._warm:
                self._dismiss(self._warm.popleft())
            if self._leaving:
                await asyncio.wait(self._leaving, timeout=LEAVE_SECONDS)

    @contextlib.asynccontextmanager
    async def claim(self, children: int | None = None) -> AsyncIterator[Sandbox]:
        """A sandbox for one evaluation; its removal starts when the block ends. Raises SandboxError."""
        with self._claims.disturbed():
            sandbox = self._take() or await self._start(min(children or self.children, self.children))
            self.used += 1
            try:
                yield sandbox
            finally:
                self.used -= 1
                self._dismiss(sandbox)

    @contextlib.asynccontextmanager
    async def claim_networked(self) -> AsyncIterator[tuple[Sandbox, str]]:
        """A sandbox on a network, for one policy, and the network's name; its removal starts when the block ends.

        Raises NoNetwork if policies get none here, SandboxError if this one could not be started.
        """
        try:
            berth = await self.berths.take(self.backend.isolation)
        except (OSError, AgentError) as error:
            raise SandboxError(f"no sandbox with a network could be started: {error}") from error
        try:
            sandbox = await self._ready(await self.backend.start(1, berth), 1)
        except BaseException:
            self.berths.give_back(berth)
            raise
        self.used += 1
        try:
            if not sandbox.networked:
                raise NoNetwork(GVISOR_HAS_NONE)
            yield sandbox, berth.network
        finally:
            self.used -= 1
            self._dismiss(sandbox, berth)

    def _take(self) -> Sandbox | None:
        while self._warm:
            sandbox = self._warm.popleft()
            self._wanted.set()
            if self._usable(sandbox):
                return sandbox
            self._dismiss(sandbox)
        return None

    def _usable(self, sandbox: Sandbox) -> bool:
        return sandbox.alive and sandbox.isolation is self.backend.isolation

    def _dismiss(self, sandbox: Sandbox, berth: Berth | None = None) -> None:
        # In the background, because the engine needs ten seconds for a sandbox that does not end by itself.
        task = asyncio.create_task(sandbox.destroy(), name=f"destroy {sandbox.name}")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        if berth is not None:
            task.add_done_callback(lambda _: self.berths.give_back(berth))

    async def _start(self, children: int) -> Sandbox:
        if self._not_before > time.monotonic():
            raise SandboxError(self.problem, lasting=True)
        try:
            sandbox = await self.backend.start(children)
        except SandboxError as error:
            if error.lasting:
                self._give_it_time(str(error))
            raise
        self.problem, self._pause = "", 0.0
        return await self._ready(sandbox, children)

    async def _ready(self, sandbox: Sandbox, children: int) -> Sandbox:
        try:
            async with asyncio.timeout(WARM_SECONDS):
                await sandbox.warm(children)
        except BaseException as error:
            await asyncio.shield(sandbox.destroy())
            if isinstance(error, TimeoutError):
                raise SandboxError(f"the sandbox was not ready within {WARM_SECONDS:.0f} s") from error
            raise
        return sandbox

    def _give_it_time(self, problem: str) -> None:
        first, longest = LASTING_PAUSE_SECONDS
        self.problem = problem
        self._pause = min(max(self._pause * 2, first), longest)
        self._not_before = time.monotonic() + self._pause

    async def _refill(self) -> None:
        pause = 0.5
        while True:
            try:
                while len(self._warm) < self.size:
                    await self._until_calm()
                    self._warm.append(await self._start(self.children))
                pause = 0.5
                await self._wait_for_need()
            except (SandboxError, OSError) as error:
                wait = max(pause, self._not_before - time.monotonic())
                log.warning("no warm sandbox", problem=str(error), again_in_seconds=round(wait, 1))
                await asyncio.sleep(wait)
                pause = min(pause * 2, MAX_PAUSE_SECONDS)

    async def _until_calm(self) -> None:
        await self._claims.wait(UNDISTURBED_SECONDS)
        await self._previews.wait(PREVIEW_SECONDS)

    async def _wait_for_need(self) -> None:
        self._wanted.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wanted.wait()
        for sandbox in [sandbox for sandbox in self._warm if not self._usable(sandbox)]:
            self._warm.remove(sandbox)
            self._dismiss(sandbox)
