"""An agent that is killed in the middle of a build leaves no process, and its successor builds on."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder
from tests.builds.conftest import Lines

pytestmark = pytest.mark.docker

PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from seatrial.agent.builds.base import BuildRequest
    from seatrial.agent.builds.assembly import docker_builds
    from seatrial.agent.recipes.recipe import Build
    from seatrial.agent.engine import Engine

    async def log(line):
        print(line, flush=True)

    async def main():
        builder = docker_builds(Engine("unix:///var/run/docker.sock"), Path(sys.argv[1]), "isolated")[0]
        await builder.build(BuildRequest("web", Build(), Path(sys.argv[2]), "seatrial-test/killed:1", {}, "killed"), log)

    asyncio.run(main())
""")


def sleepers() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if "87654" in (p.info["cmdline"] or [])]


async def test_killed_in_the_middle(
    builder: BuildahBuilder, request_for: Callable[..., BuildRequest], cache: Path, base: str, log: Lines
) -> None:
    request = request_for("killed", {"Dockerfile": f"FROM {base}\nRUN sleep 87654\n"}, scope="killed")
    agent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(cache), str(request.context_root), stdout=subprocess.DEVNULL
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
