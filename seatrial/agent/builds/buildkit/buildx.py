"""The client: docker-buildx, of the distribution or a plugin of the engine's own command."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.builds.cell import PROXIES
from seatrial.agent.builds.trust import VARIABLES
from seatrial.agent.commands.children import Errors, started
from seatrial.agent.commands.programs import SEARCH_PATH
from seatrial.agent.commands.running import Finished, run
from seatrial.agent.vocabulary.errors import BuilderFailed
from seatrial.agent.vocabulary.logs import Log

PROGRAM = "docker-buildx"
PLUGINS = tuple(
    Path(folder) / "docker/cli-plugins"
    for folder in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)
MISSING = (
    "GALLEY_BUILDER=buildkit needs docker-buildx, which is not installed on the agent's host. Install it: apt-get install docker-buildx "
    "(Debian 13, Ubuntu 24.04), or put the program into /usr/local/lib/docker/cli-plugins"
)
OURS = "galley"  # what buildx calls a daemon of its own
LONGEST_REPORT = 8_000_000  # bytes of one line
DOCKER_CONTAINER = "docker-container://"


def found() -> str | None:
    """The program: beside this Python, on the path of programs, or a plugin."""
    beside = [str(Path(sys.executable).parent), *SEARCH_PATH.split(":"), *map(str, PLUGINS)]
    return shutil.which(PROGRAM, path=":".join(beside))


@dataclass(frozen=True)
class Buildx:
    """buildx for one build, or one question. `folder` is its own: its configuration, and the names of daemons.

    `engine` is the address of the engine; `daemon` that of a BuildKit of its own, empty for the engine's. Calls may run
    concurrently; nothing of them is left on this host, however they end. What runs at the daemon ends when the daemon notices
    that nobody listens any more, which takes a moment.
    """

    folder: Path
    engine: str
    daemon: str = ""

    async def prepare(self) -> None:
        """Make the folder. Raises BuilderFailed without the program, or if it does not take the address."""
        program = found()
        if program is None:
            raise BuilderFailed(MISSING)
        if self.daemon.startswith(DOCKER_CONTAINER) and shutil.which("docker", path=SEARCH_PATH) is None:
            raise BuilderFailed(
                f"GALLEY_BUILDKIT_HOST begins with {DOCKER_CONTAINER}, for which the command docker is needed on the agent's host. "
                "Install it, or name the daemon's socket: unix:///..."
            )
        await asyncio.to_thread(self.folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        if self.daemon:
            made = await self.asked("create", "--name", OURS, "--driver", "remote", self.daemon)
            if made.code:
                raise BuilderFailed(f"buildx does not take GALLEY_BUILDKIT_HOST: {made.text[-300:].strip()}")

    def command(self, *arguments: str) -> list[str]:
        """The command line of buildx, which ends with us."""
        chosen = ["--builder", OURS] if self.daemon and arguments[0] != "create" else []
        first, *rest = arguments
        return ["setpriv", "--pdeathsig", "KILL", found() or PROGRAM, first, *chosen, *rest]

    def environment(self) -> Mapping[str, str]:
        """Nothing but what it needs: no configuration of the agent's user, and no credentials."""
        passed = {name: os.environ[name] for name in (*PROXIES, *VARIABLES[:1]) if name in os.environ}
        return {
            **passed,
            "PATH": SEARCH_PATH,
            "HOME": str(self.folder),
            "DOCKER_CONFIG": str(self.folder),
            "DOCKER_HOST": self.engine.replace("http://", "tcp://", 1),
            "BUILDX_GIT_INFO": "false",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            "LC_ALL": "C.UTF-8",
        }

    async def asked(self, *arguments: str, timeout_seconds: float = 60.0) -> Finished:
        """The answer to a short question. Raises TimeoutError."""
        return await run(
            self.command(*arguments),
            environment=self.environment(),
            errors=Errors.WITH_OUTPUT,
            most_bytes=1_000_000,
            timeout_seconds=timeout_seconds,
        )

    async def reported(self, arguments: Sequence[str], heed: Log, timeout_seconds: float) -> int:
        """Build, giving each line of buildx to `heed`; the exit code. Raises TimeoutError."""
        child = started(self.command(*arguments), environment=self.environment(), errors=Errors.WITH_OUTPUT)
        async with child as process, asyncio.timeout(timeout_seconds):
            assert process.stdout is not None
            rest = b""
            while chunk := await process.stdout.read(65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                rest = rest[-LONGEST_REPORT:]
                for line in lines:
                    await heed(line.decode(errors="replace"))
            await heed(rest.decode(errors="replace"))
            return await process.wait()


@asynccontextmanager
async def opened(folder: Path, engine: str, daemon: str) -> AsyncIterator[Buildx]:
    """A prepared client, whose folder is gone afterwards."""
    client = Buildx(folder, engine, daemon)
    try:
        await client.prepare()
        yield client
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
