"""Asking a process whether it is well, and what it listens on."""

import asyncio
from typing import Any

import aiohttp
import psutil

from seatrial.agent.runtime.base import HealthCheck

ASK_SECONDS = 5.0


async def ask(address: str, check: HealthCheck) -> str | None:
    """None when it answers as wanted, else what was seen."""
    if check.port is None:
        return "listens on no known port"
    if check.http_path is None:
        return await _connect(address, check.port)
    asked = f"GET {check.http_path} on port {check.port}"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS)) as session,
            session.get(f"http://{address}:{check.port}{check.http_path}", allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return f"{asked} got no answer ({type(error).__name__})"
    if status == check.status or (check.status == 0 and status < 500):
        return None
    return f"{asked} answered {status}" + (f", not {check.status}" if check.status else "")


async def _connect(address: str, port: int) -> str | None:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        return f"port {port} does not accept connections ({type(error).__name__})"
    writer.close()
    return None


async def command(words: list[str], plan: dict[str, Any]) -> str | None:
    """Run a health command where the service runs."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=plan.get("directory"),
                env=plan.get("environment"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"the health command did not end within {ASK_SECONDS:g} s"
    except OSError as error:
        return f"the health command could not run: {error.strerror}"
    told = out.decode(errors="replace")[-300:].strip()
    return None if process.returncode == 0 else f"the health command ended with {process.returncode}: {told}"


def ports_of(pid: int) -> list[int]:
    """TCP ports that the process or its descendants listen on, ascending."""
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except (psutil.Error, ValueError):
        return []
    found: set[int] = set()
    for process in family:
        try:
            found |= {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        except psutil.Error:
            continue
    return sorted(found)


def port_in_use(pid: int, given: int) -> int:
    """The port a service really listens on: the given one, unless it took no notice and chose another."""
    found = ports_of(pid)
    return given if given in found or not found else found[0]
