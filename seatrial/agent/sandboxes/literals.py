"""Answers policies' questions from a literal: the `input` of one of their own tests, in place of a commit and its forge."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.agent.sandboxes.broker import MAX_FILE, Seen, Unanswerable, understood
from seatrial.agent.sandboxes.text import readable
from seatrial.wire.trials import BYTES, FILES, METHODS

# What a method that the literal does not name answers: the emptiest value that it can have.
EMPTY: dict[str, Any] = {
    "list_files": [],
    "get_file_content": None,
    "get_file_sizes": {},
    "get_languages": {},
    "get_members": [],
    "get_contributors": [],
    "get_default_branch": "",
    "get_topics": [],
    "get_metadata": {},
    "get_file_last_commit_date": None,
}


class Literals:
    """The answers in one literal. What it names under a method goes before what follows from its files.

    For a method with an argument, a dictionary holds an answer for each, and anything else is the answer for every argument.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        files = given.get(FILES)
        self._files = (
            {str(path): _bytes(text) for path, text in files.items()} if isinstance(files, dict) else {}
        )

    async def answer(self, question: Any) -> tuple[Any, Seen]:
        """The answer to `[method, [arguments]]`, as the broker gives it. Raises Unanswerable."""
        method, arguments = understood(question)
        if method == "get_files_content":
            return {"files": self._texts(arguments), "done": len(arguments)}, []
        if method not in EMPTY:
            raise Unanswerable(f"project.{method} does not exist")
        if len(arguments) != METHODS[method]:
            raise Unanswerable(f"project.{method} takes other arguments")
        return self._value(method, arguments), []

    def _value(self, method: str, arguments: Sequence[str]) -> Any:
        if method == "get_file_content":
            return self._content(arguments[0])
        if method in self._given:
            given = self._given[method]
            return given.get(arguments[0], EMPTY[method]) if arguments and isinstance(given, dict) else given
        if method == "list_files":
            return sorted(self._files)
        if method == "get_file_sizes":
            return {path: len(content) for path, content in sorted(self._files.items())}
        return EMPTY[method]

    def _content(self, path: str) -> Any:
        """What `get_file_content` or one of the methods for several files names, before the files."""
        for method in ("get_file_content", "get_files_content", "read_files"):
            given = self._given.get(method)
            if isinstance(given, dict):
                if path in given:
                    return given[path]
            elif given is not None:
                return given
        content = self._files.get(path)
        if content is not None and len(content) > MAX_FILE:
            return {"unreadable": f"{len(content):,} bytes; policies read files up to {MAX_FILE:,}"}
        return readable(content)

    def _texts(self, paths: Sequence[str]) -> dict[str, str]:
        texts = {path: self._content(path) for path in paths}
        return {path: text for path, text in texts.items() if isinstance(text, str)}


def _bytes(content: Any) -> bytes:
    """What a file of a literal holds."""
    if isinstance(content, dict):
        try:
            return base64.b64decode(str(content.get(BYTES, "")), validate=True)
        except binascii.Error:
            return b""
    return str(content).encode(errors="replace")
