"""Runs a tool once, in a sandbox that is made for it and removed after it."""

import asyncio
import base64
import binascii
import json
import struct
from dataclasses import dataclass
from typing import Any, Protocol

from seatrial.agent.sandboxes.channel import Pipe, Place, SandboxError
from seatrial.agent.sandboxes.facts.fact import FactFailed, Ran
from seatrial.agent.sandboxes.facts.tools import KEPT, Tool

LENGTH = struct.Struct("!Q")
TOOL_SECONDS = 45.0  # in which a tool must have read a commit
KEEP_SECONDS = 240.0  # in which it must have worked out what it keeps
START_SECONDS = 60.0  # in which its sandbox must be there and gone; a busy host starts gVisor slowly
MOST_OUTPUT = 8 << 20  # bytes that a tool may write
MOST_ANSWER = 24 << 20


class Workshop(Protocol):
    """Where tools run: see `pool.Backend`."""

    async def start_tool(self, *, empty: bool = False) -> Place:
        """A sandbox that waits for one job of `seatrial.sandbox.tool`. Raises SandboxError. If cancelled, it leaves nothing behind.

        `empty`: it will be given nothing of anybody, so that a plain container without network and rights will do, which is
        several times faster than gVisor at reserving memory.
        """


@dataclass(frozen=True)
class Answer:
    """What came back: how it ended, its version as it says itself, and what it works out for all commits."""

    ran: Ran
    version: str
    kept: dict[str, bytes]


async def run(workshop: Workshop, tool: Tool, archive: bytes, *, keep: bool = False) -> Answer:
    """Run `tool` on the files in `archive`. Raises FactFailed. Calls may run concurrently; nothing of them is left, however they end."""
    seconds = KEEP_SECONDS if keep else TOOL_SECONDS
    try:
        async with asyncio.timeout(seconds + START_SECONDS):
            place = await workshop.start_tool(empty=keep)
            try:
                job = json.dumps(_job(place, tool, seconds, keep=keep)).encode()
                await place.pipe.write(_framed(job) + _framed(archive))
                said = await _said(tool, place.pipe)
            finally:
                await asyncio.shield(place.pipe.destroy())
    except TimeoutError as error:
        raise FactFailed(
            tool.name, f"did not answer within {seconds + START_SECONDS:.0f} s", again=True
        ) from error
    except (SandboxError, OSError) as error:
        raise FactFailed(tool.name, f"got no sandbox: {error}", again=True) from error
    return _answer(tool, said, seconds)


def _job(place: Place, tool: Tool, seconds: float, *, keep: bool) -> dict[str, Any]:
    program = f"{place.programs}/{tool.name}"
    return {
        "command": [program, *(one.replace(KEPT, f"{place.folder}/kept") for one in tool.arguments)],
        "version": [program, "--version"],
        "variables": {"LANG": "C.UTF-8", "NO_COLOR": "1"},
        "seconds": seconds,
        "most_bytes": MOST_OUTPUT,
        "kept": keep,
    }


def _framed(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


async def _said(tool: Tool, pipe: Pipe) -> Any:
    """The one answer. Raises FactFailed if the sandbox ends before it, which too much memory does, or writes something else."""
    data = bytearray()
    while len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack_from(data)[0]:
        more = await pipe.read()
        data += more
        if not more:
            raise FactFailed(
                tool.name,
                f"ended its sandbox without an answer; it may have used too much memory. {pipe.diagnosis()[-300:]}".strip(),
            )
        if len(data) > MOST_ANSWER or (
            len(data) >= LENGTH.size and LENGTH.unpack_from(data)[0] > MOST_ANSWER
        ):
            raise FactFailed(tool.name, f"wrote more than {MOST_ANSWER >> 20} MB")
    try:
        return json.loads(data[LENGTH.size :])
    except (ValueError, RecursionError) as error:
        raise FactFailed(tool.name, "wrote an answer that is no JSON") from error


def _answer(tool: Tool, said: Any, seconds: float) -> Answer:
    match said:
        case {"missing": str(why)}:
            raise FactFailed(
                tool.name,
                f"is not there: {why}. Rebuild the sandbox's image: restart the agent, or load the image of its release",
            )
        case {"late": True}:
            raise FactFailed(tool.name, f"took longer than {seconds:.0f} s")
        case {
            "code": int(code),
            "output": str(output),
            "errors": str(errors),
            "version": str(version),
            "kept": dict(kept),
        }:
            try:
                worked_out = {str(name): base64.b64decode(text, validate=True) for name, text in kept.items()}
            except (binascii.Error, TypeError, ValueError) as error:
                raise FactFailed(tool.name, "kept something that cannot be read") from error
            return Answer(
                Ran(code, output, errors), version.split()[-1] if version.split() else "", worked_out
            )
    raise FactFailed(tool.name, "gave an answer of another shape")
