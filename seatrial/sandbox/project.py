"""The project as a policy sees it. Every question goes over the pipe to the host, once."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Ask = Callable[[str, list[Any]], Any]


MOST_PATHS = 500  # in one question


class Unreadable(ValueError):
    """The file exists, but is not text that a policy can be given (binary, or too large)."""


class Refused(ValueError):
    """The host did not answer: the question makes no sense, or too many questions were asked."""


class Project:
    """One commit of one repository, and its forge's facts. Reads only; answers never change during a run."""

    def __init__(self, ask: Ask) -> None:
        self._ask_host = ask
        self._known: dict[str, Any] = {}

    def _ask(self, method: str, *arguments: Any) -> Any:
        key = json.dumps([method, arguments])
        if key not in self._known:
            self._known[key] = self._ask_host(method, list(arguments))
        return self._known[key]

    def list_files(self) -> list[str]:
        """Every file's path, sorted. Symbolic links are listed; submodules are not."""
        return list(self._ask("list_files"))

    def get_file_content(self, path: str) -> str | None:
        """The file as text, None when there is no such regular file. Raises Unreadable for binary or huge files."""
        answer = self._ask("get_file_content", _text(path))
        if isinstance(answer, dict):
            raise Unreadable(f"{path}: {answer['unreadable']}")
        return None if answer is None else str(answer)

    def get_files_content(self, paths: Sequence[str]) -> dict[str, str]:
        """The text of each of `paths` that can be read as text; the others are left out. Quicker than one by one."""
        return dict(self.read_files(paths))

    def read_files(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(path, text) of each of `paths` that can be read as text. Holds a few MB at a time, however many they are."""
        wanted = [_text(path) for path in paths]
        begin, count = 0, MOST_PATHS
        while begin < len(wanted):
            answer = self._ask_host("get_files_content", wanted[begin : begin + count])
            begin += answer["done"]
            # Files that did not fit into the answer are requested again, and a policy's requests are limited: ask for little
            # more than fits.
            count = min(MOST_PATHS, answer["done"] * 5 // 4 + 1)
            yield from answer.pop("files").items()

    def get_yaml(self, path: str) -> list[dict[str, Any]] | None:
        """[{data, lines}] of each document of a YAML file, None when there is no such file. Raises Unreadable."""
        return self._documents("get_yaml", path)

    def get_instructions(self, path: str) -> list[dict[str, Any]] | None:
        """[{line, instruction, rest}] of a Dockerfile, None when there is no such file. Raises Unreadable."""
        return self._documents("get_instructions", path)

    def _documents(self, method: str, path: str) -> list[dict[str, Any]] | None:
        answer = self._ask(method, _text(path))
        if isinstance(answer, dict):
            raise Unreadable(f"{path}: {answer['unreadable']}")
        return None if answer is None else list(answer)

    def get_file_sizes(self) -> dict[str, int]:
        """Bytes of every regular file, by path."""
        return dict(self._ask("get_file_sizes"))

    def get_languages(self) -> dict[str, float]:
        """Percent of code by language, most first, one decimal."""
        return dict(self._ask("get_languages"))

    def get_members(self) -> list[dict[str, Any]]:
        """[{username, role}]."""
        return list(self._ask("get_members"))

    def get_contributors(self) -> list[dict[str, Any]]:
        """[{username, commits}], most commits first."""
        return list(self._ask("get_contributors"))

    def get_default_branch(self) -> str:
        """The branch that pull requests go to."""
        return str(self._ask("get_default_branch"))

    def get_topics(self) -> list[str]:
        """The topics set at the forge."""
        return list(self._ask("get_topics"))

    def get_metadata(self) -> dict[str, Any]:
        """{name, description, web_url, created_at, updated_at}, as far as the forge says."""
        return dict(self._ask("get_metadata"))

    def get_file_last_commit_date(self, path: str) -> str | None:
        """ISO 8601 date of the newest commit that touched the file, or None."""
        answer = self._ask("get_file_last_commit_date", _text(path))
        return None if answer is None else str(answer)


def _text(path: object) -> str:
    if not isinstance(path, str):
        raise TypeError(f"a path must be a str, not {type(path).__name__}")
    return path
