"""Stand-ins on the real engine, and containers of them that answer."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx
import pytest

from seatrial.agent.builds.debian import codename
from seatrial.agent.builds.standins import PREFIX, stand_in_for
from tests.builds.conftest import LABEL, docker

MakeStandIn = Callable[[str], Awaitable[str]]


async def run(image: str, *command: str) -> str:
    return await docker("run", "--rm", "--network", "none", "--label", LABEL, image, *command)


async def rare(image: str) -> None:
    """Skip the test if the stand-in is not on this host and takes minutes to make, unless SEATRIAL_ALL_STAND_INS=1."""
    stand_in = stand_in_for(image)
    if os.environ.get("SEATRIAL_ALL_STAND_INS") == "1" or stand_in is None:
        return
    with contextlib.suppress(AssertionError):
        await docker("image", "inspect", f"{PREFIX}{stand_in.name}:{codename()}")
        return
    pytest.skip(f"the stand-in of {image} takes minutes to make: SEATRIAL_ALL_STAND_INS=1 does")


@contextlib.asynccontextmanager
async def running(image: str, *options: str, command: Sequence[str] = ()) -> AsyncIterator[str]:
    name = f"seatrial-test-{secrets.token_hex(4)}"
    try:
        await docker("run", "-d", "--name", name, "--label", LABEL, *options, image, *command)
        yield name
    finally:
        await docker("rm", "-f", "-v", name)


async def answers(name: str, port: int) -> str:
    """The first page of the container's web server."""
    address = (
        await docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
    ).strip()
    url = f"http://{address}:{port}/"
    async with httpx.AsyncClient() as client:
        for _ in range(450):
            with contextlib.suppress(httpx.TransportError):
                return (await client.get(url)).text
            await asyncio.sleep(0.2)
    raise AssertionError(await docker("logs", name))
