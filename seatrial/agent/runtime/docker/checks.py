"""Checks whether a container is healthy, and what it listens on."""

import asyncio
from pathlib import Path

from seatrial.agent.engine import Engine
from seatrial.agent.engine.executions import Execution
from seatrial.agent.runtime.asking import ask, judged_by
from seatrial.agent.vocabulary.containers import Cause, Container, HealthCheck, Listener, Unwell
from seatrial.agent.vocabulary.errors import EngineRefused

MOST_LATE = 3
_LISTEN = "0A"  # the state column of /proc/net/tcp
_DIGITS_OF_SIX = 32
_LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


class Checks:
    """The health part of `Runtime`."""

    engine: Engine
    late: dict[str, list[Execution]]  # health commands that outlasted their time, by container

    async def check(self, container: Container, network: str, check: HealthCheck) -> Unwell | None:
        """See Runtime."""
        if check.command is not None:
            return await self._command(container, check)
        address = container.addresses.get(network)
        if not address:
            return Unwell(f"has no address on {network}", Cause.NOTHING_THERE)
        return await ask(address, check)

    async def _command(self, container: Container, check: HealthCheck) -> Unwell | None:
        """Run a health command. The engine cannot end commands inside a container, so only a few may hang at a time."""
        hanging = await self._hanging(container.name)
        problem = f"the health command did not end within {check.ask_seconds:g} s"
        if hanging >= MOST_LATE:
            return Unwell(f"{problem}, {MOST_LATE} times", Cause.OWN_COMMAND)
        try:
            begun = await self.engine.containers.execute(container.name, check.command or [])
            outcome = await begun.outcome(check.ask_seconds)
        except EngineRefused as error:
            return Unwell(f"the health command could not run: {error}", Cause.OWN_COMMAND, error.said)
        if outcome is None:
            self.late.setdefault(container.name, []).append(begun)
            return Unwell(problem, Cause.OWN_COMMAND)
        return judged_by(*outcome)

    async def _hanging(self, name: str) -> int:
        late = [execution for execution in self.late.pop(name, []) if await execution.goes_on()]
        if late:
            self.late[name] = late
        return len(late)

    async def listening(self, container: Container, network: str) -> list[Listener]:
        """See Runtime. Read from the host; from inside where the host cannot see (gVisor, no root)."""
        try:
            process = await self.engine.containers.host_process(container.name)
            tables = "" if process.gvisor else await asyncio.to_thread(_tables_of, process.pid)
            if not tables:
                command = ["cat", "/proc/net/tcp", "/proc/net/tcp6"]
                reading = await self.engine.containers.execute(container.name, command)
                _, tables = await reading.outcome() or (0, "")
        except EngineRefused:
            return []
        return listeners(tables)


def listeners(tables: str) -> list[Listener]:
    """The listening sockets of /proc/net/tcp and tcp6. A port open to all and on loopback is open to all."""
    loopback: dict[int, bool] = {}
    six: dict[int, bool] = {}
    for line in tables.splitlines():
        columns = line.split()
        if len(columns) < 4 or columns[3] != _LISTEN:
            continue
        address, _, port = columns[1].rpartition(":")
        number = int(port, 16)
        # The engine's DNS listens inside too, on 127.0.0.11 (0B00007F).
        if address == "0B00007F":
            continue
        loopback[number] = loopback.get(number, True) and address in _LOOPBACK
        six[number] = six.get(number, True) and len(address) == _DIGITS_OF_SIX
    return [Listener(port, loopback[port], six[port]) for port in sorted(loopback)]


def _tables_of(pid: int) -> str:
    text = ""
    for table in ("tcp", "tcp6"):
        try:
            text += Path(f"/proc/{pid}/net/{table}").read_text()
        except OSError:
            return text
    return text
