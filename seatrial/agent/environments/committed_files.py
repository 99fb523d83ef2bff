"""Files of a commit that a container gets: those that a compose file would mount from the working tree."""

import asyncio
import contextlib
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seatrial.agent.vocabulary.containers import Copy, Text
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.agent.vocabulary.tree import Entry, Tree

OWNER = 1000  # the usual uid on developers' machines, from where compose would mount the working tree


@dataclass
class CommittedFiles:
    """`Files` of one commit, and those that the recipe itself gives. `scratch` is a folder for the time of packing; it may be
    shared."""

    tree: Tree
    copies: Sequence[Copy]
    texts: Sequence[Text]
    scratch: Path
    digest: str

    @contextlib.asynccontextmanager
    async def packed(self) -> AsyncIterator[Path]:
        """See `Files.packed`."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            yield await self._pack(folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # another service may be packing, too
                self.scratch.rmdir()

    async def _pack(self, folder: Path) -> Path:
        try:
            if self.copies:
                await self.tree.export(folder / "tree")
            archive = folder / "files.tar"
            await asyncio.to_thread(pack, folder / "tree", self.copies, self.texts, archive)
        except OSError as error:
            raise CheckoutError(f"the commit's files cannot be packed in {folder}: {error}") from error
        return archive


def committed_files(
    tree: Tree, entries: Sequence[Entry], copies: Sequence[Copy], texts: Sequence[Text], scratch: Path
) -> CommittedFiles:
    """The files of `copies` and `texts`; their digest depends on their content and on their targets."""
    facts: list[object] = [
        (
            copy.target,
            copy.source,
            [(e.path, e.mode, e.oid) for e in entries if is_below(e.path, copy.source)],
        )
        for copy in copies
    ]
    facts += [(text.target, text.content) for text in texts]
    digest = hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogateescape")).hexdigest()
    return CommittedFiles(tree, copies, texts, scratch, digest)


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or in it."""
    return folder == "." or PurePosixPath(path).is_relative_to(folder)


def pack(tree: Path, copies: Sequence[Copy], texts: Sequence[Text], archive: Path) -> None:
    """Write the tar. Links are packed as links: nothing outside `tree` is ever read."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for copy in copies:
            if leads_out(tree, copy.source):
                continue
            tar.add(tree / copy.source, copy.target.strip("/") or ".", filter=_owned)
        for text in texts:
            content = text.content.encode()
            info = tarfile.TarInfo(text.target.strip("/"))
            info.size = len(content)
            tar.addfile(_owned(info), io.BytesIO(content))


def leads_out(tree: Path, source: str) -> bool:
    """Whether a folder on the way to `source` is a link, which would be followed on the host."""
    parents = [tree / parent for parent in PurePosixPath(source).parents]
    return any(parent.is_symlink() for parent in parents)


def _owned(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = OWNER
    info.uname = info.gname = ""
    return info
