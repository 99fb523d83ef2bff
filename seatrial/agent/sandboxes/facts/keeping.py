"""What a tool works out once for all commits, such as Kingfisher its patterns, which take it ten seconds."""

import asyncio
import tarfile
from collections.abc import Mapping
from pathlib import Path

from seatrial.agent.sandboxes.facts.inputs import archive_of
from seatrial.agent.sandboxes.facts.running import Workshop, run
from seatrial.agent.sandboxes.facts.tools import Tool


class Keeping:
    """Below `folder`, an archive for each tool and version. It is made in a sandbox that was given no file of anybody, so nothing of
    a commit can get into it. A damaged one costs the tool its time and nothing else."""

    def __init__(self, folder: Path, workshop: Workshop) -> None:
        self._folder = folder
        self._workshop = workshop
        self._lock = asyncio.Lock()

    async def of(self, tool: Tool) -> Mapping[str, bytes]:
        """Its files by name; they are worked out if they are not here. Raises FactFailed."""
        path = self._folder / f"{tool.name}-{tool.version}.tar"
        async with self._lock:
            if not path.exists():
                answer = await run(self._workshop, tool, archive_of({"files/empty": b"\n"}), keep=True)
                await asyncio.to_thread(_write, path, archive_of(answer.kept))
            return await asyncio.to_thread(_read, path)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("*.tar*"):
        if old.name.split("-")[0] == path.name.split("-")[0]:
            old.unlink()
    partial = path.with_suffix(".tar.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _read(path: Path) -> dict[str, bytes]:
    try:
        with tarfile.open(path) as tar:
            files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
            return {name: file.read() for name, file in files.items() if file is not None}
    except (tarfile.TarError, OSError):
        path.unlink(missing_ok=True)
        return {}
