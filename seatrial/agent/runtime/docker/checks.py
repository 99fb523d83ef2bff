"""Asking a container whether it is well, and what it listens on."""

import asyncio
from pathlib import Path

import aiodocker
import aiohttp

from seatrial.agent.runtime.base import Container, HealthCheck, Listener
from seatrial.agent.runtime.docker.engine import Engine

ASK_SECONDS = 5.0
_LISTEN = "0A"  # the state column of /proc/net/tcp
_LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


class Checks:
    """The health part of `Runtime`."""

    engine: Engine

    async def check(self, container: Container, network: str, check: HealthCheck) -> str | None:
        """See Runtime."""
        if check.command is not None:
            return await self._command(container, check)
        address = container.addresses.get(network)
        if not address:
            return f"has no address on {network}"
        if check.port is None:
            return "listens on no known port"
        if check.http_path is None:
            return await _tcp(address, check.port)
        return await _http(f"http://{address}:{check.port}{check.http_path}", check)

    async def _command(self, container: Container, check: HealthCheck) -> str | None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                code, output = await self._exec(container.name, list(check.command or []))
        except TimeoutError:
            return f"the health command did not end within {ASK_SECONDS:g} s"
        except aiodocker.DockerError as error:
            return f"the health command could not run: {error.message}"
        said = f": {tail}" if (tail := output[-300:].strip()) else ""
        return None if code == 0 else f"the health command ended with {code}{said}"

    async def _exec(self, name: str, command: list[str]) -> tuple[int, str]:
        output = ""
        with self.engine.calls():
            started = await self.engine.api.containers.container(name).exec(command)
            async with started.start(detach=False) as stream:
                while (message := await stream.read_out()) is not None:
                    output = (output + message.data.decode(errors="replace"))[-65_536:]
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
                _, tables = await self._exec(container.name, ["cat", "/proc/net/tcp", "/proc/net/tcp6"])
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


async def _tcp(address: str, port: int) -> str | None:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        return f"port {port} does not accept connections ({_short(error)})"
    writer.close()
    return None


async def _http(url: str, check: HealthCheck) -> str | None:
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
    asked = f"GET {check.http_path} on port {check.port}"
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return f"{asked} got no answer ({_short(error)})"
    if status == check.status or (check.status == 0 and status < 500):
        return None
    return f"{asked} answered {status}" + (f", not {check.status}" if check.status else "")


def _short(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    return (str(error) or type(error).__name__)[:120]
