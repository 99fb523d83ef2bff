"""Asking a process whether it is well, and what it listens on."""

import asyncio
from typing import Any

import psutil

from seatrial.agent.commands.logged import end_tree


async def command(words: list[str], plan: dict[str, Any], seconds: float) -> str | None:
    """Run a health command where the service runs; after `seconds` it and what it started are ended."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=plan.get("directory"),
            env=plan.get("environment"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return f"the health command could not run: {error.strerror}"
    out = None
    try:
        async with asyncio.timeout(seconds):
            out, _ = await process.communicate()
    except TimeoutError:
        return f"the health command did not end within {seconds:g} s"
    finally:
        if out is None:  # late, or nobody wants to know any more
            await end_tree(process)
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
