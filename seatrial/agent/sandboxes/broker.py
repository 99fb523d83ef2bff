"""Answers policies' questions: files from git objects, forge facts from the evaluation's snapshot, nothing else."""

import asyncio
import hashlib
import json
import posixpath
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from seatrial.agent.sandboxes import documents
from seatrial.agent.sandboxes.languages import languages, scripts
from seatrial.agent.sandboxes.text import readable
from seatrial.agent.vocabulary.tree import LINK, REGULAR, SUBMODULE, Entry, Tree
from seatrial.wire.evaluations import ForgeFacts

MAX_FILE = 1 << 20  # bytes of one file that a policy may read
MAX_BATCH = 2 << 20  # bytes of files in one answer
MAX_PATHS = 500
MAX_HOPS = 5  # symbolic links followed one after another
READERS: dict[str, Callable[[str], Any]] = {
    "get_yaml": documents.documents,
    "get_instructions": documents.steps,
}

Seen = list[tuple[str, str]]  # (question, digest of its answer)


class Answers(Protocol):
    """Something that answers a policy's questions."""

    async def answer(self, question: Any) -> tuple[Any, Seen]:
        """The answer to `[method, [arguments]]`, and what the policy has seen by it. Raises Unanswerable."""


AnswersOf = Callable[[int], Answers]  # for the policy of this number


class Unanswerable(Exception):
    """The question makes no sense. The policy gets the text as the reason."""


class Broker:
    """One commit and its forge facts. Answers may be asked for concurrently and never change.

    `answer` also returns what the policy has seen, as (question, digest) pairs. `digest` computes the digest for one
    question without reading blobs (except, once, scripts without an extension for the languages), so looking up a
    memoised result is cheap.
    """

    def __init__(self, tree: Tree, facts: ForgeFacts) -> None:
        self._tree = tree
        self._facts = facts
        self._entries: dict[str, Entry] | None = None
        self._digests: dict[str, str] = {}
        self._read: dict[tuple[str, str], Any] = {}  # what READERS said of a blob: several policies ask
        self._reading = asyncio.Lock()
        self._answers: dict[str, Callable[..., Awaitable[Any]]] = {
            "list_files": self._list_files,
            "get_file_content": self._content,
            "get_file_sizes": self._sizes,
            "get_languages": self._languages,
            "get_members": self._members,
            "get_contributors": self._contributors,
            "get_default_branch": self._default_branch,
            "get_topics": self._topics,
            "get_metadata": self._metadata,
            "get_file_last_commit_date": self._last_commit_date,
            "get_yaml": partial(self._document, "get_yaml"),
            "get_instructions": partial(self._document, "get_instructions"),
        }

    async def answer(self, question: Any) -> tuple[Any, Seen]:
        """The answer to `[method, [arguments]]`. Raises Unanswerable; CheckoutError when git fails."""
        method, arguments = understood(question)
        if method == "get_files_content":
            return await self._contents(arguments)
        if method not in self._answers:
            raise Unanswerable(f"project.{method} does not exist")
        try:
            value = await self._answers[method](*arguments)
        except TypeError as error:
            raise Unanswerable(f"project.{method} takes other arguments") from error
        asked = json.dumps([method, arguments])
        if method == "get_file_content" or method in READERS:
            return value, [(asked, await self._file_digest(arguments[0], method))]
        self._digests[asked] = digest_of(value)
        return value, [(asked, self._digests[asked])]

    async def digest(self, asked: str) -> str:
        """The digest that `answer` would return for this question. Raises the same errors as `answer`."""
        method, arguments = understood(json.loads(asked))
        if method == "get_file_content" or method in READERS:
            return await self._file_digest(arguments[0], method)
        if asked not in self._digests:
            await self.answer([method, arguments])
        return self._digests[asked]

    async def has_language(self, names: Sequence[str]) -> bool:
        """Whether any file is written in one of these languages, in upper or lower case."""
        return bool({name.lower() for name in names} & {name.lower() for name in await self._languages()})

    async def lines(self, wanted: Mapping[str, Collection[int]]) -> tuple[dict[tuple[str, int], str], Seen]:
        """The text of these lines of these files, as far as there are such lines; and what was looked at. Raises CheckoutError."""
        texts: dict[tuple[str, int], str] = {}
        seen: Seen = []
        paths = list(wanted)
        while paths:
            answer, looked_at = await self._contents(paths)
            seen += looked_at
            paths = paths[answer["done"] :]
            for path, text in answer["files"].items():
                split = text.split("\n")
                texts |= {(path, one): split[one - 1] for one in wanted[path] if one <= len(split)}
        return texts, seen

    async def _index(self) -> dict[str, Entry]:
        if self._entries is None:
            self._entries = {entry.path: entry for entry in await self._tree.entries()}
        return self._entries

    async def _file(self, path: str) -> Entry | None:
        """The regular file that `path` names, through symbolic links that stay within the commit."""
        index = await self._index()
        entry = index.get(path)
        for _ in range(MAX_HOPS):
            if entry is None or entry.mode != LINK:
                break
            target = (await self._tree.links()).get(entry.path, "")
            entry = index.get(posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target)))
        return entry if entry is not None and entry.mode in REGULAR else None

    async def _file_digest(self, path: str, method: str = "get_file_content") -> str:
        entry = await self._file(path)
        how = f"{documents.VERSION} " if method in READERS else ""
        return how + entry.oid if entry else "none"

    async def _list_files(self) -> list[str]:
        return [entry.path for entry in (await self._index()).values() if entry.mode != SUBMODULE]

    async def _content(self, path: str) -> Any:
        entry = await self._file(path)
        if entry is None:
            return None
        if (entry.size or 0) > MAX_FILE:
            return {"unreadable": f"{entry.size:,} bytes; policies read files up to {MAX_FILE:,}"}
        return readable(await self._tree.read(entry.path, limit=MAX_FILE))

    async def _document(self, method: str, path: str) -> Any:
        """One at a time: reading takes processor time, and policies of one evaluation often want the same file."""
        entry = await self._file(path)
        async with self._reading:
            if entry is None or (method, entry.oid) in self._read:
                return self._read[method, entry.oid] if entry else None
            text = await self._content(path)
            value = await asyncio.to_thread(READERS[method], text) if isinstance(text, str) else text
            self._read[method, entry.oid] = value
            return value

    async def _contents(self, paths: Sequence[str]) -> tuple[Any, Seen]:
        budget = MAX_BATCH
        wanted: dict[str, str] = {}
        done = 0
        for path in paths[:MAX_PATHS]:
            entry = await self._file(path)
            size = (entry.size or 0) if entry else 0
            if done and size <= MAX_FILE and size > budget:
                break
            done += 1
            if entry and size <= MAX_FILE:
                budget -= size
                wanted[path] = entry.path
        blobs = await self._tree.read_many(list(wanted.values()), limit=MAX_FILE)
        texts = {path: readable(blobs.get(file)) for path, file in wanted.items()}
        seen = [(json.dumps(["get_file_content", [p]]), await self._file_digest(p)) for p in paths[:done]]
        return {"files": {p: t for p, t in texts.items() if isinstance(t, str)}, "done": done}, seen

    async def _sizes(self) -> dict[str, int]:
        return {e.path: e.size or 0 for e in (await self._index()).values() if e.mode in REGULAR}

    async def _languages(self) -> dict[str, float]:
        files = [entry for entry in (await self._index()).values() if entry.mode in REGULAR]
        contents = await self._tree.read_many(scripts(files), limit=MAX_FILE)
        return await asyncio.to_thread(languages, files, contents)

    async def _contributors(self) -> list[dict[str, Any]]:
        pairs = await self._tree.contributors()
        return [{"username": name, "commits": commits} for name, commits in pairs]

    async def _last_commit_date(self, path: str) -> str | None:
        return await self._tree.last_commit_date(path) if path in await self._index() else None

    async def _members(self) -> list[dict[str, Any]]:
        return [member.model_dump(mode="json") for member in self._facts.members]

    async def _default_branch(self) -> str:
        return self._facts.default_branch

    async def _topics(self) -> list[str]:
        return self._facts.topics

    async def _metadata(self) -> dict[str, Any]:
        return self._facts.metadata.model_dump(mode="json", exclude_none=True)


def understood(question: Any) -> tuple[str, list[str]]:
    """Method and arguments of a question from a sandbox, which may contain anything. Raises Unanswerable."""
    match question:
        case [str(method), list(arguments)] if all(isinstance(a, str) and len(a) < 5000 for a in arguments):
            return method, arguments
        case ["get_files_content", [*_]] | [str(), [list()]]:
            raise Unanswerable("paths must be strings")
    raise Unanswerable("a question is a method's name and its arguments, which are strings")


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
