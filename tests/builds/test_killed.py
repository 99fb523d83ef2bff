"""Builds whose programs are killed, and agents that are: each build ends well all the same, and no process is left."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.vocabulary.errors import BuilderFailed
from tests.builds.conftest import AnyBuilder, Lines, both, both_in_campaigns, docker

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]

PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from seatrial.agent.builds.base import BuildRequest
    from seatrial.agent.recipes.recipe import Build
    from seatrial.agent.engine import Engine
    from tests.builds.conftest import built_with

    async def log(line):
        print(line, flush=True)

    async def main():
        builder = built_with(sys.argv[3], Engine("unix:///var/run/docker.sock"), Path(sys.argv[1]))
        await builder.build(BuildRequest("web", Build(), Path(sys.argv[2]), "seatrial-test/killed:1", {}, "killed"), log)

    asyncio.run(main())
""")


def sleepers() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if "87654" in (p.info["cmdline"] or [])]


@both
async def test_killed_in_the_middle(
    builder: AnyBuilder, request_for: Callable[..., BuildRequest], cache: Path, base: str, log: Lines
) -> None:
    request = request_for("killed", {"Dockerfile": f"FROM {base}\nRUN sleep 87654\n"}, scope="killed")
    agent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(cache),
        str(request.context_root),
        builder.name,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
    )
    while not sleepers():
        await asyncio.sleep(0.05)
        assert agent.returncode is None, "the step runs"
    os.kill(agent.pid, signal.SIGKILL)
    await agent.wait()
    for _ in range(1200):
        if not sleepers():
            break
        await asyncio.sleep(0.05)
    assert not sleepers()
    (request.context_root / "Dockerfile").write_text(f"FROM {base}\nRUN echo on\n")
    await builder.build(request, log)
    assert "on" in log


KILLS = 3
RECIPE = """FROM {base}
RUN sleep 0.1; echo {n} > /n
COPY text /text
RUN sleep 0.1; cat /text
CMD cat /n
"""


def commands(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


async def killed(building: asyncio.Future[Any], chance: random.Random) -> str:
    """Kill one program of the build at some moment; which it was, empty if it had ended before."""
    await asyncio.wait([building], timeout=chance.uniform(0.02, 0.8))
    with contextlib.suppress(psutil.Error, IndexError):
        victim = chance.choice(psutil.Process().children(recursive=True))
        name = victim.name()
        victim.kill()
        return name
    return ""


@both_in_campaigns
async def test_a_program_of_a_build_that_is_killed_is_not_the_pull_requests_fault(
    builder: AnyBuilder,
    request_for: Callable[..., BuildRequest],
    base: str,
    log: Lines,
    chance: random.Random,
) -> None:
    builder.pauses_seconds = (0.0, 0.0)
    for n in range(KILLS):
        recipe = RECIPE.format(base=base, n=n)
        files = {
            "Dockerfile": recipe,
            "text": f"{n}\n",
            "beside/Dockerfile": f"FROM {base}\nRUN sleep 0.5; echo {n}\n",
        }
        request = request_for("kills", files, scope="kills")
        beside = request_for("beside", {}, path="beside", scope="kills")
        building = asyncio.gather(builder.build(request, log), builder.build(beside, log))
        log.append(f"killing {await killed(building, chance)}")
        await building
    assert await docker("run", "--rm", "--network", "none", request.tag) == f"{KILLS - 1}\n"


@both_in_campaigns
async def test_a_build_whose_programs_are_always_killed_ends(
    builder: AnyBuilder, request_for: Callable[..., BuildRequest], base: str, log: Lines
) -> None:
    builder.pauses_seconds = (0.0,)
    request = request_for(
        "always", {"Dockerfile": f"FROM {base}\nRUN echo began; sleep 87655\n"}, scope="kills"
    )
    building = asyncio.create_task(builder.build(request, log))
    while not building.done():
        for process in psutil.Process().children(recursive=True):
            if {"bud", "build"} & set(commands(process)) and "began" in log:
                log.remove("began")
                process.kill()
        await asyncio.wait([building], timeout=0.05)
    with pytest.raises(BuilderFailed, match="the builder failed in 2 attempts"):
        await building
