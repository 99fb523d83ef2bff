"""The files of a commit that a tool is given: chosen by path, within a limit, from git's objects."""

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.agent.sandboxes.reading import MAX_FILE, Reading, too_large
from seatrial.agent.vocabulary.tree import REGULAR, Entry, Tree

MOST_BYTES = 40 << 20  # of all files together, each counted with at least a page of memory
PAGE = 4 << 10
BATCH = 500  # files read together


@dataclass(frozen=True)
class Inputs:
    """`entries` are given to the tool; `left_out` says why others that concern it are not."""

    entries: Sequence[Entry]
    left_out: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What the tool's answer depends on: SHA-256 over paths and contents, known without reading any."""
        whole = hashlib.sha256()
        for entry in self.entries:
            whole.update(f"{entry.shown}\0{entry.oid}\0".encode())
        for path in self.left_out:
            whole.update(path.encode(errors="replace") + b"\0")
        return whole.hexdigest()


async def inputs_of(
    reading: Reading,
    patterns: Sequence[str],
    *,
    most: int | None = None,
    most_of_one: int = MAX_FILE,
    most_files: int | None = None,
) -> Inputs:
    """Those that match one of `patterns` (none: all), by path, until there is no more room: `most` bytes, `most_files`. Raises
    CheckoutError."""
    most = MOST_BYTES if most is None else most
    index = await reading.index()
    left_out: dict[str, str] = {}
    entries: list[Entry] = []
    room = most
    for path in await reading.paths(patterns):
        entry = index[path]
        size = entry.size or 0
        if entry.mode not in REGULAR:
            continue  # what a link leads to is there under its own name
        if entry.shown != entry.path:
            left_out[entry.shown] = "its name is not UTF-8"
        elif size > most_of_one:
            left_out[path] = too_large(entry, most_of_one)
        elif max(size, PAGE) > room:
            left_out[path] = f"tools are given {most >> 20} MB of a commit"
        elif most_files is not None and len(entries) >= most_files:
            left_out[path] = f"{most_files:,} files are read for it"
        else:
            room -= max(size, PAGE)
            entries.append(entry)
    return Inputs(entries, left_out)


async def files_of(tree: Tree, entries: Sequence[Entry]) -> dict[str, bytes]:
    """The contents, by the names that they have in an archive for a tool. Raises CheckoutError."""
    files: dict[str, bytes] = {}
    for first in range(0, len(entries), BATCH):
        paths = [entry.path for entry in entries[first : first + BATCH]]
        contents = await tree.read_many(paths, limit=MAX_FILE)
        files |= {f"files/{path}": content or b"" for path, content in contents.items()}
    return files


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()
