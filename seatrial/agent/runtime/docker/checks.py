"""Asking a container whether it is well, and what it listens on."""

import asyncio
import contextlib
from pathlib import Path

import aiodocker
from aiodocker.execs import Exec

from seatrial.agent.engine.connection import Engine
from seatrial.agent.runtime.asking import ask
from seatrial.agent.vocabulary.containers import Container, HealthCheck, Listener

MOST_LATE = 3
_LISTEN = "0A"  # the state column of /proc/net/tcp
_LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


class Checks:
    """The health part of `Runtime`."""

    engine: Engine
    late: dict[str, list[Exec]]  # health commands that outlasted their time, by container

    async def check(self, container: Container, network: str, check: HealthCheck) -> str | None:
        """See Runtime."""
        if check.command is not None:
            return await self._command(container, check)
        address = container.addresses.get(network)
        return await ask(address, check) if address else f"has no address on {network}"

    async def _command(self, container: Container, check: HealthCheck) -> str | None:
        """The engine cannot end what it runs inside: of commands that hang, only a few are left hanging."""
        hanging = await self._hanging(container.name)
        told = f"the health command did not end within {check.ask_seconds:g} s"
        if hanging >= MOST_LATE:
            return f"{told}, {MOST_LATE} times"
        try:
            started = await self._exec(container.name, list(check.command or []))
            outcome = await self._outcome(started, check.ask_seconds)
        except aiodocker.DockerError as error:
            return f"the health command could not run: {error.message}"
        if outcome is None:
            self.late.setdefault(container.name, []).append(started)
            return told
        code, output = outcome
        said = f": {tail}" if (tail := output[-300:].strip()) else ""
        return None if code == 0 else f"the health command ended with {code}{said}"

    async def _hanging(self, name: str) -> int:
        running = []
        for late in self.late.pop(name, []):
            # Suppressed: it went with its container.
            with contextlib.suppress(aiodocker.DockerError), self.engine.calls():
                shown = await late.inspect()
                if shown["Running"] or shown["ExitCode"] is None:  # None: a busy engine has not begun it yet
                    running.append(late)
        if running:
            self.late[name] = running
        return len(running)

    async def _exec(self, name: str, command: list[str]) -> Exec:
        with self.engine.calls():
            return await self.engine.api.containers.container(name).exec(command)

    async def _outcome(self, started: Exec, seconds: float | None = None) -> tuple[int, str] | None:
        """Exit code and output; None when it has not ended after `seconds`. They begin when the engine has been asked
        for good: what it was not asked to begin would count as hanging for ever."""
        output = ""
        with self.engine.calls():
            async with started.start(detach=False) as stream:
                try:
                    async with asyncio.timeout(seconds):
                        while (message := await stream.read_out()) is not None:
                            output = (output + message.data.decode(errors="replace"))[-65_536:]
                except TimeoutError:
                    return None
            return int((await started.inspect())["ExitCode"] or 0), output

    async def listening(self, container: Container, network: str) -> list[Listener]:
        """See Runtime. Read from the host; from inside where the host cannot see (gVisor, no root)."""
        try:
            with self.engine.calls():
                found = await self.engine.api.containers.get(container.name)
            pid = int(found["State"]["Pid"])
            gvisor = found["HostConfig"]["Runtime"] == "runsc"
            tables = "" if gvisor else await asyncio.to_thread(_tables_of, pid)
            if not tables:
                reading = await self._exec(container.name, ["cat", "/proc/net/tcp", "/proc/net/tcp6"])
                _, tables = await self._outcome(reading) or (0, "")
        except aiodocker.DockerError:
            return []
        return listeners(tables)


def listeners(tables: str) -> list[Listener]:
    """The listening sockets of /proc/net/tcp and tcp6. A port open to all and on loopback is open to all."""
    loopback: dict[int, bool] = {}
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
    return [Listener(port, only) for port, only in sorted(loopback.items())]


def _tables_of(pid: int) -> str:
    text = ""
    for table in ("tcp", "tcp6"):
        try:
            text += Path(f"/proc/{pid}/net/{table}").read_text()
        except OSError:
            return text
    return text
