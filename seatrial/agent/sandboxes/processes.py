"""Sandboxes as plain processes: no isolation, for trying out only. Chosen by people, never by default."""

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from seatrial.agent.commands.children import end, start
from seatrial.agent.sandboxes.berths import Berth
from seatrial.agent.sandboxes.channel import Sandbox, SandboxError
from seatrial.agent.sandboxes.program import SandboxProgram
from seatrial.wire.envelope import new_id
from seatrial.wire.states import Isolation

KEPT_ERRORS = 4_000
NO_ISOLATION = "policies run as plain processes: no isolation, for trying out only"


class ProcessPipe:
    """The program as a child process in a session of its own, with an empty environment and a folder to itself."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._errors = ""
        self._listening = asyncio.create_task(self._listen())

    async def read(self) -> bytes:
        """See `Pipe.read`."""
        assert self._process.stdout is not None
        return await self._process.stdout.read(1 << 16)

    async def write(self, data: bytes) -> None:
        """See `Pipe.write`."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def destroy(self) -> None:
        """See `Pipe.destroy`."""
        await end(self._process)
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def diagnosis(self) -> str:
        """See `Pipe.diagnosis`."""
        return self._errors.strip()

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            self._errors = (self._errors + data.decode(errors="replace"))[-KEPT_ERRORS:]


def readable_interpreter() -> str | None:
    """The path of an interpreter whose library every user can read, which children with uids of their own need; None if
    there is none."""
    for executable, library in (
        (sys.executable, os.__file__),
        ("/usr/bin/python3", "/usr/lib/python3.11/os.py"),
    ):
        path = Path(library).resolve()
        searchable = all(parent.stat().st_mode & 0o1 for parent in path.parents if parent.exists())
        if path.exists() and path.stat().st_mode & 0o4 and searchable:
            return executable
    return None


def _shared_folder(prefix: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o1777)
    return folder


class ProcessSandboxes:
    """Starts the sandbox's program with this interpreter."""

    isolation = Isolation.PROCESS
    python = platform.python_version()

    def __init__(self, program: SandboxProgram, agent: str, *, require_gvisor: bool = False) -> None:
        self._program = program
        self._prefix = f"gitgrit-sandbox-{agent}-"
        self._require_gvisor = require_gvisor

    async def prepare(self) -> list[str]:
        """Remove what an earlier run of the agent left; returns the warning for people.

        Raises SandboxError when gVisor is required.
        """
        if self._require_gvisor:
            raise SandboxError("GITGRIT_REQUIRE_GVISOR is set and GALLEY_RUNTIME is process: no policy runs")
        await asyncio.to_thread(self._remove_orphans)
        return [NO_ISOLATION]

    def _remove_orphans(self) -> None:
        # The processes of those sandboxes ended by themselves when the agent's end of the pipe closed.
        for folder in Path(tempfile.gettempdir()).glob(f"{self._prefix}*"):
            shutil.rmtree(folder, ignore_errors=True)

    async def look(self) -> list[str]:
        """See `Backend.look`. Better isolation never becomes available here."""
        return [NO_ISOLATION]

    async def start(self, children: int, berth: Berth | None = None) -> Sandbox:
        """See `Backend.start`. There is no berth for a process."""
        assert berth is None
        folder = _shared_folder(self._prefix)
        try:
            process = await self._spawn(folder, children)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return Sandbox(
            ProcessPipe(process, folder), self.isolation, f"gitgrit-sandbox-{new_id()[-8:].lower()}"
        )

    async def _spawn(self, folder: Path, children: int) -> asyncio.subprocess.Process:
        interpreter = readable_interpreter() if os.geteuid() == 0 else None
        command = [interpreter or sys.executable, "-B", "-m", self._program.module, str(children)]
        return await start(
            [*command, "host-uids" if interpreter else "same-uid"],
            environment={"PATH": os.defpath, "TMPDIR": str(folder), **self._program.environment},
            directory=self._program.root,
            stdin=True,
        )
