"""Answers policies' questions from a literal: the `input` of one of their own tests, in place of a commit and its forge."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.filing import QUESTIONS
from seatrial.agent.sandboxes.previewed import PREVIEW, VISIT
from seatrial.agent.sandboxes.questions import Seen, understood
from seatrial.agent.sandboxes.text import readable
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.agent.vocabulary.tree import Changed, Entry, Tag, Tree, Written
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.previews import Preview, PreviewPhase, PreviewService
from seatrial.wire.states import ServiceKind
from seatrial.wire.trials import BYTES, FILES
from seatrial.wire.words import Phase, ServiceState

FILE = "100644"
LISTED = "list_files"
SIZES = "get_file_sizes"
MANIFESTS = "manifests"
OF_ONE_FILE = "get_file_content"
OF_SEVERAL = ("get_files_content", "read_files")
# What all files of a commit say; without `files` a test has none, whatever it says about single ones.
OF_ALL_FILES: dict[str, Any] = {LISTED: [], SIZES: {}, "get_languages": {}}

STARTED = PreviewPhase(name=Phase.START, seconds=1.0)
LIVE = Preview(deployment="0" * 26, name="pr-1-test", commit="0" * 40, phases=[STARTED])
SERVICE = PreviewService(name="web", kind=ServiceKind.WEB, state=ServiceState.RUNNING).model_dump(mode="json")
FOUND: dict[str, Any] = {
    "status": 200,
    "headers": {},
    "time": 0.0,
    "body": "",
    "left_out": False,
    "why": "",
}


NOTHING_FOUND: dict[str, Any] = {
    "version": "0",
    "files": 1,
    "left_out": {},
    "findings": [],
    "findings_left_out": 0,
}  # a test says what differs


class LiteralTree:
    """A `Tree` of these files, with one history that nobody has written."""

    commit = "0" * 40

    def __init__(self, files: Mapping[str, bytes], sizes: Mapping[str, int] | None = None) -> None:
        self._files = files
        self._sizes = {path: len(content) for path, content in files.items()} if sizes is None else sizes

    async def entries(self) -> Sequence[Entry]:
        """See `Tree`."""
        return [
            Entry(path, FILE, hashlib.sha1(content, usedforsecurity=False).hexdigest(), size)
            for path, size in sorted(self._sizes.items())
            for content in [self._files.get(path, b"")]
        ]

    async def read(self, path: str, *, limit: int = 10_000_000) -> bytes | None:
        """See `Tree`."""
        content = self._files.get(path)
        return content if content is not None and len(content) <= limit else None

    async def read_many(self, paths: Sequence[str], *, limit: int = 10_000_000) -> dict[str, bytes | None]:
        """See `Tree`."""
        return {path: await self.read(path, limit=limit) for path in paths}

    async def links(self) -> Mapping[str, str]:
        """See `Tree`."""
        return {}

    async def last_commit_date(self, path: str) -> str | None:
        """See `Tree`."""
        return None

    async def contributors(self) -> list[tuple[str, int]]:
        """See `Tree`."""
        return []

    async def changes(self, base: Tree) -> list[Changed]:
        """See `Tree`."""
        return []

    async def diff(self, base: Tree, paths: Sequence[str], limit: int) -> str | None:
        """See `Tree`."""
        return ""

    async def history(self, base: Tree | None, limit: int) -> list[Written]:
        """See `Tree`."""
        return []

    async def tags(self) -> list[Tag]:
        """See `Tree`."""
        return []

    async def export(self, destination: Path) -> None:
        """See `Tree`."""
        raise CheckoutError("a test has no commit that could be written to a folder")


class Literals:
    """The answers in one literal. What it names under a method goes before what a broker says of its files.

    A question with an argument is answered from a dictionary by that argument, and with anything else whatever the argument is.
    What the literal does not name has the emptiest answer.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = {**(OF_ALL_FILES if FILES not in given else {}), **given}
        named = [
            given[name] for name in (FILES, OF_ONE_FILE, *OF_SEVERAL) if isinstance(given.get(name), dict)
        ]
        files = {str(path): _bytes(text) for one in named for path, text in one.items() if text is not None}
        self._broker = Broker(LiteralTree(files), ForgeFacts())
        self._listed = Broker(LiteralTree(files, _sizes(self._given)), ForgeFacts())

    async def answer(self, question: Any) -> tuple[Any, Seen]:
        """The answer to `[method, [arguments]]`, as a broker gives it. Raises Unanswerable."""
        method, arguments = understood(question)
        if method in OF_SEVERAL and isinstance(same := self._given.get(OF_ONE_FILE), str):
            return {"files": dict.fromkeys(arguments, same), "left_out": {}, "done": len(arguments)}, []
        given = self._given.get(method)
        if method in (PREVIEW, VISIT):
            return _of_preview(method, arguments, given), []
        if method.startswith(QUESTIONS) or (method == LISTED and isinstance(given, list)):
            return await self._listed.answer(question)
        if method in self._given and method not in OF_SEVERAL and not (arguments and isinstance(given, dict)):
            return _whole(method, given), []
        if isinstance(given, dict) and arguments and isinstance(arguments[0], str) and arguments[0] in given:
            return _answer(method, arguments[0], given[arguments[0]]), []
        return await self._broker.answer(question)


def _whole(method: str, given: Any) -> Any:
    """A test may list manifests only; nothing is left out then."""
    return (
        {MANIFESTS: given, "left_out": {}} if method == "get_manifests" and isinstance(given, list) else given
    )


def _sizes(given: Mapping[str, Any]) -> dict[str, int] | None:
    """The files that a test lists, in place of those that it holds; None if it lists none."""
    sizes, listed = given.get(SIZES), given.get(LISTED)
    if FILES in given and not (sizes or listed):
        return None
    named = {path: 0 for path in listed if isinstance(path, str)} if isinstance(listed, list) else {}
    return named | ({str(p): int(n) for p, n in sizes.items()} if isinstance(sizes, dict) else {})


def _of_preview(method: str, arguments: Sequence[Any], given: Any) -> Any:
    """What a test says of a preview, which need not say all; pages that it does not name are not there."""
    said = given if isinstance(given, dict) else {}
    if method == PREVIEW:
        listed = said.get("services", [])
        services = [{**SERVICE, **one} for one in listed if isinstance(one, dict)]
        return {**LIVE.model_dump(mode="json"), **said, "services": services}
    answer = said.get(arguments[0]) if arguments and isinstance(arguments[0], str) else None
    return {**FOUND, **answer} if isinstance(answer, dict) else {**FOUND, "status": 404}


def _answer(method: str, argument: str, given: Any) -> Any:
    if method == "fact" and isinstance(given, dict):
        return {"tool": argument, **NOTHING_FOUND, **given}
    return readable(_bytes(given)) if method == OF_ONE_FILE and given is not None else given


def _bytes(content: Any) -> bytes:
    """What a file of a literal holds."""
    if isinstance(content, dict):
        try:
            return base64.b64decode(str(content.get(BYTES, "")), validate=True)
        except binascii.Error:
            return b""
    return str(content).encode(errors="replace")
