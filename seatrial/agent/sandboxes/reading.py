"""The files of one commit as policies are given them: listed, read, searched."""

import asyncio
import hashlib
import json
import posixpath
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from seatrial.agent.sandboxes import documents
from seatrial.agent.sandboxes.languages import languages, scripts
from seatrial.agent.sandboxes.listing import chosen
from seatrial.agent.sandboxes.names import Names
from seatrial.agent.sandboxes.questions import MOST_PATHS, Seen
from seatrial.agent.sandboxes.searching import MOST_READ, Search
from seatrial.agent.sandboxes.text import readable
from seatrial.agent.sandboxes.unread import BINARY, NOT_THERE
from seatrial.agent.vocabulary.tree import LINK, REGULAR, SUBMODULE, Entry, Tree

MAX_FILE = 1 << 20  # bytes of one file that a policy may read
HEAD = 16  # bytes that say what a file is which is no text
MAX_BATCH = 2 << 20  # bytes of files in one answer
SEARCH_BATCH = 8 << 20  # bytes of files that are searched together
MOST_DOCUMENTS = 8 << 20  # bytes of files whose documents are kept for siblings; these take ten times as much
MAX_HOPS = 5  # symbolic links followed one after another
LFS = b"version https://git-lfs.github.com/spec/"
LFS_BYTES = 1_024  # that a pointer has at most
READERS: dict[str, Callable[[str], Any]] = {
    "get_yaml": documents.documents,
    "get_instructions": documents.steps,
}


class Reading:
    """One commit's files. Calls may run concurrently. Raises CheckoutError, and Unanswerable where somebody's pattern is wrong."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._entries: dict[str, Entry] | None = None
        self._names: Names | None = None
        self._naming = asyncio.Lock()
        self._read: dict[tuple[str, str], Any] = {}  # what READERS said of a blob: several policies ask
        self._room = MOST_DOCUMENTS
        self._at_it = asyncio.Lock()  # for what takes processor time: one at a time

    async def index(self) -> dict[str, Entry]:
        """Every entry by its path, sorted."""
        if self._entries is None:
            self._entries = {entry.path: entry for entry in await self._tree.entries()}
        return self._entries

    async def paths(
        self, globs: Sequence[str] = (), excludes: Sequence[str] = (), classes: Sequence[str] = ()
    ) -> Sequence[str]:
        """Of all files and symbolic links, those that are meant. See `listing.chosen`."""
        if any(isinstance(one, str) for one in (globs, excludes, classes)):
            raise TypeError("patterns come in lists")
        names = await self.names()
        if not (globs or excludes or classes):
            return names.paths
        return await asyncio.to_thread(chosen, names, globs, excludes, classes)

    async def names(self) -> Names:
        """The paths of all files and symbolic links."""
        async with self._naming:
            if self._names is None:
                index = await self.index()
                every = [entry.path for entry in index.values() if entry.mode != SUBMODULE]
                self._names = await asyncio.to_thread(Names, every)
            return self._names

    async def file(self, path: str) -> Entry | None:
        """The regular file that `path` names, through symbolic links that stay within the commit."""
        index = await self.index()
        entry = index.get(path)
        for _ in range(MAX_HOPS):
            if entry is None or entry.mode != LINK:
                break
            target = (await self._tree.links()).get(entry.path, "")
            entry = index.get(posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target)))
        return entry if entry is not None and entry.mode in REGULAR else None

    async def file_digest(self, path: str, method: str = "get_file_content") -> str:
        """What the content of a file is known by, without reading it."""
        entry = await self.file(path)
        how = f"{documents.VERSION} " if method in READERS else ""
        return how + entry.oid if entry else "none"

    async def content(self, path: str) -> Any:
        """The text, None if there is no such file, or `{unreadable}`."""
        entry = await self.file(path)
        if entry is None:
            return None
        if (entry.size or 0) > MAX_FILE:
            return {"unreadable": too_large(entry)}
        return readable(await self._tree.read(entry.path, limit=MAX_FILE))

    async def document(self, method: str, path: str) -> Any:
        """One at a time: reading takes processor time, and policies of one evaluation often want the same file."""
        entry = await self.file(path)
        async with self._at_it:
            if entry is None or (method, entry.oid) in self._read:
                return self._read[method, entry.oid] if entry else None
            text = await self.content(path)
            value = await asyncio.to_thread(READERS[method], text) if isinstance(text, str) else text
            if (entry.size or 0) <= self._room:
                self._read[method, entry.oid] = value
                self._room -= entry.size or 0
            return value

    async def blob(self, path: str, limit: int) -> bytes | None:
        """The bytes of the regular file that `path` names, None if there is none or it has more than `limit`."""
        entry = await self.file(path)
        return await self._tree.read(entry.path, limit=limit) if entry is not None else None

    async def contents(self, paths: Sequence[str], most: int = MAX_BATCH) -> tuple[dict[str, Any], Seen]:
        """`{files, left_out, done}` of some of `paths`, see `_texts`; and what was looked at."""
        answer = await self._texts(paths[:MOST_PATHS], most)
        looked_at = paths[: answer["done"]]
        return answer, [(json.dumps(["get_file_content", [p]]), await self.file_digest(p)) for p in looked_at]

    async def _texts(self, paths: Sequence[str], most: int) -> dict[str, Any]:
        """`{files, left_out, done}`: the texts of the first `done` paths, as many as fit, and why others of these have none."""
        budget = most
        wanted: dict[str, Entry] = {}
        left_out: dict[str, str] = {}
        done = 0
        index = await self.index()
        for path in paths:
            entry = index.get(path)
            if entry is None or entry.mode not in REGULAR:
                entry = await self.file(path)
            size = (entry.size or 0) if entry else 0
            if done and size <= MAX_FILE and size > budget:
                break
            done += 1
            if entry is None:
                left_out[path] = await self._why_none(path)
            elif size > MAX_FILE:
                left_out[path] = too_large(entry)
            else:
                budget -= size
                wanted[path] = entry
        blobs = await self._tree.read_many([entry.path for entry in wanted.values()], limit=MAX_FILE)
        files = {}
        for path, entry in wanted.items():
            text = readable(blobs.get(entry.path))
            if isinstance(text, str):
                files[path] = text
            else:
                left_out[path] = text["unreadable"] if text else "it could not be read"
        return {"files": files, "left_out": left_out, "done": done}

    async def lines(self, wanted: Mapping[str, Collection[int]]) -> tuple[dict[tuple[str, int], str], Seen]:
        """The text of these lines of these files, as far as there are such lines; and what was looked at."""
        texts: dict[tuple[str, int], str] = {}
        seen: Seen = []
        paths = list(wanted)
        while paths:
            answer, looked_at = await self.contents(paths)
            seen += looked_at
            paths = paths[answer["done"] :]
            for path, text in answer["files"].items():
                split = text.split("\n")
                texts |= {(path, one): split[one - 1] for one in wanted[path] if one <= len(split)}
        return texts, seen

    async def search(
        self,
        pattern: str,
        globs: Sequence[str] = (),
        excludes: Sequence[str] = (),
        classes: Sequence[str] = (),
    ) -> dict[str, Any]:
        """`{found, left_out, files, unread}`: see `Search`; `files` is how many were read, `unread` why others were not."""
        search = Search(pattern)
        paths = await self.paths(globs, excludes, classes)
        unread: dict[str, str] = {}
        read, room = 0, MOST_READ
        while paths and room > 0:
            answer = await self._texts(paths, SEARCH_BATCH)
            paths = paths[answer["done"] :]
            unread |= answer["left_out"]
            read += len(answer["files"])
            room -= sum(map(len, answer["files"].values()))
            async with self._at_it:
                await asyncio.to_thread(search.look, answer["files"])
        unread |= dict.fromkeys(paths, f"the search had read {MOST_READ >> 20} MB")
        return {"found": search.found, "left_out": search.left_out, "files": read, "unread": unread}

    async def search_digest(
        self,
        _pattern: str,
        globs: Sequence[str] = (),
        excludes: Sequence[str] = (),
        classes: Sequence[str] = (),
    ) -> str:
        """What the answer of a search depends on, without reading: the files that it is about."""
        whole = hashlib.sha256()
        index = await self.index()
        for path in await self.paths(globs, excludes, classes):
            regular = index[path].mode in REGULAR
            digest = index[path].oid if regular else await self.file_digest(path)
            whole.update(b"%b\0%b\0" % (path.encode(errors="surrogateescape"), digest.encode()))
        return whole.hexdigest()

    async def entry(self, path: str) -> dict[str, Any] | None:
        """`{kind, size, readable, why}` of what is at `path`, itself; None if nothing is."""
        entry = (await self.index()).get(path)
        if entry is None:
            return None
        kind, why = await self._kind(entry)
        answer = {"kind": kind, "size": entry.size, "readable": not why, "why": why}
        if kind == "link":
            return answer | {"target": (await self._tree.links()).get(path, "")}
        if not why or kind == "submodule":
            return answer
        blob = await self._tree.read(path)
        return answer | ({"head": blob[:HEAD].hex()} if blob is not None else {})

    async def _kind(self, entry: Entry) -> tuple[str, str]:
        """What it is, and why it cannot be read."""
        if entry.mode == SUBMODULE:
            return "submodule", "a submodule: the files are another repository's"
        if entry.mode == LINK:
            return "link", "" if await self.file(entry.path) else await self._why_none(entry.path)
        if (entry.size or 0) > MAX_FILE:
            return "file", too_large(entry)
        blob = await self._tree.read(entry.path, limit=MAX_FILE) or b""
        if len(blob) <= LFS_BYTES and blob.startswith(LFS):
            return "lfs", ""
        return ("file", "") if isinstance(readable(blob), str) else ("binary", BINARY)

    async def _why_none(self, path: str) -> str:
        entry = (await self.index()).get(path)
        if entry is None:
            return NOT_THERE
        return "a submodule" if entry.mode == SUBMODULE else "a symbolic link to no file of the commit"

    async def sizes(self) -> dict[str, int]:
        """Bytes of each regular file."""
        return {e.path: e.size or 0 for e in (await self.index()).values() if e.mode in REGULAR}

    async def languages(self) -> dict[str, float]:
        """See `languages.languages`."""
        files = [entry for entry in (await self.index()).values() if entry.mode in REGULAR]
        contents = await self._tree.read_many(scripts(files), limit=MAX_FILE)
        return await asyncio.to_thread(languages, files, contents)


def too_large(entry: Entry, most: int = MAX_FILE) -> str:
    """Why this file is not read."""
    return f"{entry.size:,} bytes; policies read files up to {most:,}"
