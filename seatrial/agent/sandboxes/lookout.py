"""Lookouts: sandboxes for a moment, which only say what can be reached from where they are."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.agent.engine import Engine
from seatrial.agent.engine.attached import Attached
from seatrial.agent.engine.sealed import SealedSpec
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.containers import NAME, PIDS, SANDBOX_LABEL, explained, remove
from seatrial.agent.vocabulary.errors import AgentError, EngineRefused
from seatrial.agent.vocabulary.labels import AGENT, MANAGED
from seatrial.agent.vocabulary.whole import whole
from seatrial.wire.envelope import new_id
from seatrial.wire.hosts import MOST_TEXT, OUTSIDE_SECONDS, Attempt, Sight, address
from seatrial.wire.states import Isolation

PROGRAM = ["python3", "-B", "-s", "-m", "seatrial.sandbox.lookout"]
LOOK_SECONDS = 2 * OUTSIDE_SECONDS  # for everything that is tried in it, at the same time
STAY_SECONDS = 45.0  # from its creation to its last word; a busy host starts gVisor slowly
MOST_BYTES = 64 * 1024
MEMORY_BYTES = 256 << 20


@dataclass(frozen=True)
class Question:
    """What a lookout tries: `names` by the resolvers `servers` (none: by its own), connections to `outside`."""

    names: Sequence[str] = ()
    servers: Sequence[str] = ()
    outside: Sequence[tuple[str, int]] = ()


class Lookouts:
    """Starts lookouts, one or several at the same time, and removes each, also when cancelled. What a killed agent leaves ends by
    itself and is removed with the sandboxes at the next start."""

    def __init__(self, engine: Engine, agent: str) -> None:
        self._engine = engine
        self._labels = {MANAGED: "true", AGENT: agent, SANDBOX_LABEL: "true"}

    async def look(self, image: str, question: Question, *, gvisor: bool, network: str) -> Sight:
        """What is seen from `network` (empty: none), in a container of `image` with the walls of a sandbox. Raises SandboxError."""
        name = f"{NAME}{new_id()[-10:].lower()}"
        try:
            async with asyncio.timeout(STAY_SECONDS):
                await whole(self._engine.containers.create_sealed)(
                    self._spec(name, image, question, gvisor=gvisor, network=network)
                )
                runtime = await self._engine.containers.runtime(name)
                said = await self._said(name)
        except TimeoutError as error:
            raise SandboxError(
                f"a sandbox that only looks around said nothing within {STAY_SECONDS:g} s"
            ) from error
        except (OSError, AgentError) as error:
            raise SandboxError(f"no sandbox could be started to look around: {explained(error)}") from error
        finally:
            await asyncio.shield(remove(self._engine, name))
        return _sight(runtime, said)

    async def runtimes(self) -> dict[str, int]:
        """How many sandboxes of this agent there are now, by what the engine runs them with."""
        counted: dict[str, int] = {}
        for container in await self._engine.containers.ids(self._labels):
            try:
                runtime = await self._engine.containers.runtime(container)
            except EngineRefused as error:
                if error.absent:
                    continue  # it has done its work meanwhile
                raise
            counted[runtime] = counted.get(runtime, 0) + 1
        return counted

    async def _said(self, name: str) -> Mapping[str, Any]:
        attached = await self._engine.containers.attach(name)
        try:
            await self._engine.containers.start(name)
            return await _line_of(attached)
        finally:
            await attached.close()

    def _spec(self, name: str, image: str, question: Question, *, gvisor: bool, network: str) -> SealedSpec:
        asked = {
            "names": list(question.names),
            "servers": list(question.servers),
            "outside": list(question.outside),
            "seconds": LOOK_SECONDS,
        }
        return SealedSpec(
            name=name,
            image=image,
            entrypoint=PROGRAM,
            command=[json.dumps(asked)],
            labels=self._labels,
            memory_bytes=MEMORY_BYTES,
            cpus=1.0,
            pids=PIDS[Isolation.GVISOR if gvisor else Isolation.CONTAINER],
            gvisor=gvisor,
            network=network or "none",
            sets_apart=False,
        )


async def _line_of(attached: Attached) -> Mapping[str, Any]:
    """The one line of JSON that it says. Raises SandboxError."""
    out, errors = b"", b""
    while (said := await attached.read()) is not None and b"\n" not in out and len(out) < MOST_BYTES:
        if said.error:
            errors = (errors + said.data)[-MOST_TEXT:]
        else:
            out += said.data
            if b"\n" in out:
                break
    try:
        line = json.loads(out)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        raise SandboxError(
            f"a sandbox that only looks around ended without an answer: {errors.decode(errors='replace').strip()}"
        )
    return line


def _sight(runtime: str, said: Mapping[str, Any]) -> Sight:
    return Sight(
        runtime=runtime,
        own_kernel=str(said.get("kernel", "")) not in {"", os.uname().release},
        networked=said.get("networked") is True,
        servers=[_attempt(key, answer) for key, answer in _answers(said, "servers")],
        names=[_attempt(key, answer) for key, answer in _answers(said, "names")],
        outside=[_attempt(_target(key), answer) for key, answer in _answers(said, "outside")],
    )


def _answers(said: Mapping[str, Any], group: str) -> list[tuple[str, Mapping[str, Any]]]:
    answers = said.get(group)
    return (
        [(str(key), one) for key, one in answers.items() if isinstance(one, dict)]
        if isinstance(answers, dict)
        else []
    )


def _attempt(target: str, answer: Mapping[str, Any]) -> Attempt:
    found = answer.get("addresses")
    return Attempt(
        target=target[:MOST_TEXT],
        problem=str(answer.get("problem", ""))[:MOST_TEXT],
        addresses=[str(one)[:MOST_TEXT] for one in found][:16] if isinstance(found, list) else [],
    )


def _target(key: str) -> str:
    host, _, port = key.rpartition(" ")
    return address(host, int(port)) if port.isdigit() else key
