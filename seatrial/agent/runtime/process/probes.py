"""Checks whether a process is healthy, and what it listens on."""

from typing import Any

import psutil

from seatrial.agent.commands.children import Errors
from seatrial.agent.commands.running import run
from seatrial.agent.runtime.asking import judged_by
from seatrial.agent.vocabulary.containers import Cause, Unwell


async def command(words: list[str], plan: dict[str, Any], seconds: float) -> Unwell | None:
    """Run a health command where the service runs. After `seconds`, the command and everything it started are ended.
    Returns None if it succeeded."""
    try:
        done = await run(
            words,
            directory=plan.get("directory"),
            environment=plan.get("environment"),
            errors=Errors.WITH_OUTPUT,
            timeout_seconds=seconds,
        )
    except TimeoutError:
        return Unwell(f"the health command did not end within {seconds:g} s", Cause.OWN_COMMAND)
    except OSError as error:
        said = error.strerror or ""
        return Unwell(f"the health command could not run: {said}", Cause.OWN_COMMAND, said)
    return judged_by(done.code, done.text)


def ports_of(pid: int) -> list[int]:
    """TCP ports that the process or its descendants listen on, ascending."""
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except (psutil.Error, ValueError):
        return []
    ports: set[int] = set()
    for process in family:
        try:
            ports |= {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        except psutil.Error:
            continue
    return sorted(ports)


def port_in_use(pid: int, given: int) -> int:
    """The port a service really listens on: the given one, unless the service ignored it and chose another."""
    ports = ports_of(pid)
    return given if given in ports or not ports else ports[0]
