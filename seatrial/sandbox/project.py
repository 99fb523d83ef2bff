"""The project as a policy sees it. Every question goes over the pipe to the host, once."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from seatrial.sandbox.files import Files

Ask = Callable[[str, list[Any]], Any]
Patterns = str | Sequence[str] | None


MOST_PATHS = 500  # in one question


class Unreadable(ValueError):
    """The file exists, but is not text that a policy can be given (binary, or too large)."""


class Refused(ValueError):
    """The host did not answer: the question makes no sense, or too many questions were asked."""


class Texts:
    """Pairs of a path and its text, read as they are asked for. `left_out`: by path, why it has none; complete at the end."""

    def __init__(self, ask: Ask, paths: list[str]) -> None:
        self.left_out: dict[str, str] = {}
        self._pairs = self._read(ask, paths)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self._pairs

    def __next__(self) -> tuple[str, str]:
        return next(self._pairs)

    def _read(self, ask: Ask, paths: list[str]) -> Iterator[tuple[str, str]]:
        begin, count = 0, MOST_PATHS
        while begin < len(paths):
            answer = ask("get_files_content", paths[begin : begin + count])
            begin += answer["done"]
            self.left_out |= answer.get("left_out", {})
            # Files that did not fit into the answer are requested again, and a policy's requests are limited: ask for little
            # more than fits.
            count = min(MOST_PATHS, answer["done"] * 5 // 4 + 1)
            yield from answer.pop("files").items()


class Manifests(list[dict[str, Any]]):
    """What was read. `left_out`: by path, why others were not."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["manifests"])
        self.left_out: dict[str, str] = answer["left_out"]


class Project:
    """One commit of one repository, and its forge's facts. Reads only; answers never change during a run."""

    def __init__(self, ask: Ask) -> None:
        self._ask_host = ask
        self._known: dict[str, Any] = {}
        self._files = Files(ask, self._ask)

    def _ask(self, method: str, *arguments: Any) -> Any:
        key = json.dumps([method, arguments])
        if key not in self._known:
            self._known[key] = self._ask_host(method, list(arguments))
        return self._known[key]

    @property
    def event(self) -> str:
        """What led to the evaluation: push, pull_request, tag, merge_queue or manual."""
        return str(self._ask("event"))

    @property
    def commit(self) -> str:
        """The whole id of the commit that is evaluated."""
        return str(self._ask("commit"))

    @property
    def base(self) -> str:
        """The commit that it is compared with; empty if there is none, or if nobody knows."""
        return str(self._ask("base"))

    @property
    def ref(self) -> str:
        """The branch or tag that it is evaluated as: refs/heads/main."""
        return str(self._ask("ref"))

    @property
    def number(self) -> int | None:
        """The number of its pull request, None without one."""
        answer = self._ask("number")
        return None if answer is None else int(answer)

    @property
    def files(self) -> Files:
        """The commit's files and symbolic links, which stay with the host: in a repository of any size, ask for those that you need."""
        return self._files

    def list_files(
        self, *, glob: Patterns = None, exclude: Patterns = None, classes: Patterns = None
    ) -> list[str]:
        """The files' paths, sorted: all, or those that match `glob` and not `exclude`, and are of one of `classes`. Symbolic links
        are listed, submodules are not."""
        return list(self._ask("list_files", *_choice(glob, exclude, classes)))

    def get_class(self, path: str) -> str:
        """What a path is for: vendored, generated, tests, documentation, development or source."""
        return str(self._ask("get_class", _text(path)))

    def get_entry(self, path: str) -> dict[str, Any] | None:
        """{kind, size, readable, why} of what is at `path`, None if nothing is. Kinds: file, binary, lfs, link (with its
        `target`), submodule; a file that cannot be read has a `head`, its first 16 bytes in hexadecimal."""
        answer = self._ask("get_entry", _text(path))
        return None if answer is None else dict(answer)

    def search(
        self, pattern: str, *, glob: Patterns = None, exclude: Patterns = None, classes: Patterns = None
    ) -> dict[str, Any]:
        """{found, left_out, files, unread}: where RE2 finds `pattern` in the text files that are meant, as [{path, line, text, match}];
        how many more there are; how many files were read; and why others were not."""
        return dict(self._ask("search", _text(pattern), *_choice(glob, exclude, classes)))

    def fact(self, name: str) -> dict[str, Any]:
        """What is known of the commit by this name: {tool, version, files, left_out}, and `findings` of a tool (zizmor, kingfisher), or
        what was read (dockerfile, licences, runtimes), by its own key."""
        return dict(self._ask("fact", _text(name)))

    def get_changed_files(self) -> list[dict[str, Any]] | None:
        """[{path, kind, old_path}] of what changed since the base, None without one. Kinds: added, modified, deleted, renamed."""
        answer = self._ask("get_changed_files")
        return None if answer is None else list(answer)

    def get_diff(self, path: str | None = None) -> dict[str, Any] | None:
        """{diff, left_out}: the unified diff since the base, of everything or of one file, and the files for which there was no
        room. None without a base."""
        answer = self._ask("get_diff", *([] if path is None else [_text(path)]))
        return None if answer is None else dict(answer)

    def get_history(self, limit: int = 100) -> list[dict[str, Any]]:
        """[{commit, author, date, subject, signed}] of the commits since the base, newest first; without one, of the newest."""
        return list(self._ask("get_history", str(limit)))

    def get_tags(self, limit: int = 100) -> list[dict[str, Any]]:
        """[{name, commit, date, annotated}] of the tags of commits up to this one, the newest commit first."""
        return list(self._ask("get_tags", str(limit)))

    def get_code_owners(self) -> list[dict[str, Any]]:
        """[{pattern, owners, line, section}] of the CODEOWNERS file, in its order."""
        return list(self._ask("get_code_owners"))

    def owners_of(self, path: str) -> list[str]:
        """Who owns a path by the CODEOWNERS file; nobody: empty."""
        return list(self._ask("owners_of", _text(path)))

    def get_file_content(self, path: str) -> str | None:
        """The file as text, None when there is no such regular file. Raises Unreadable for binary or huge files."""
        answer = self._ask("get_file_content", _text(path))
        if isinstance(answer, dict):
            raise Unreadable(f"{path}: {answer['unreadable']}")
        return None if answer is None else str(answer)

    def get_files_content(self, paths: Sequence[str]) -> dict[str, str]:
        """The text of each of `paths` that can be read as text; the others are left out. Quicker than one by one."""
        return dict(self.read_files(paths))

    def read_files(self, paths: Sequence[str]) -> Texts:
        """(path, text) of each of `paths` that can be read as text, one after another. Holds a few MB at a time, however many they
        are. Its `left_out` then says why others were not read, by path."""
        return Texts(self._ask_host, [_text(path) for path in paths])

    def get_yaml(self, path: str) -> list[dict[str, Any]] | None:
        """[{data, lines}] of each document of a YAML file, None when there is no such file. Raises Unreadable."""
        return self._documents("get_yaml", path)

    def get_instructions(self, path: str) -> list[dict[str, Any]] | None:
        """[{line, instruction, rest}] of a Dockerfile, None when there is no such file. Raises Unreadable."""
        return self._documents("get_instructions", path)

    def get_manifests(
        self, *, glob: Patterns = None, exclude: Patterns = None, classes: Patterns = None
    ) -> Manifests:
        """[{path, kind, name, lock, dependencies, errors}] of what the project says that it depends on; a dependency is {name, spec,
        group, line, source, pinned, locked}, an error {line, message}. Its `left_out` says by path why others were not read."""
        return Manifests(self._ask("get_manifests", *_choice(glob, exclude, classes)))

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

    def get_branch_protection(self, branch: str | None = None) -> dict[str, Any] | None:
        """What keeps people from changing the default branch; None where the forge was not asked."""
        answer = self._ask("get_branch_protection", *([] if branch is None else [_text(branch)]))
        return None if answer is None else dict(answer)

    def get_topics(self) -> list[str]:
        """The topics set at the forge."""
        return list(self._ask("get_topics"))

    def get_metadata(self) -> dict[str, Any]:
        """{name, description, web_url, created_at, updated_at}, as far as the forge says."""
        return dict(self._ask("get_metadata"))

    @property
    def preview(self) -> dict[str, Any]:
        """The running preview of this commit, for policies with LIVE = True: {state, urls, services, phases, warnings, screenshot}."""
        return dict(self._ask("preview"))

    def visit(
        self,
        path: str,
        service: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
    ) -> dict[str, Any]:
        """{status, headers, time, body, left_out, why} of what the preview answers now. The host asks, never twice for one call, and
        follows no redirect."""
        lines = [f"{_text(name)}: {_text(value)}" for name, value in (headers or {}).items()]
        return dict(self._ask_host("visit", [_text(path), _text(service or ""), _text(method), lines]))

    def get_file_last_commit_date(self, path: str) -> str | None:
        """ISO 8601 date of the newest commit that touched the file, or None."""
        answer = self._ask("get_file_last_commit_date", _text(path))
        return None if answer is None else str(answer)


def _text(path: object) -> str:
    if not isinstance(path, str):
        raise TypeError(f"a path must be a str, not {type(path).__name__}")
    return path


def _choice(*patterns: Patterns) -> list[list[str]]:
    """Patterns as the host is asked with them; nothing where none are given."""
    lists = [[one] if isinstance(one, str) else [_text(each) for each in one or ()] for one in patterns]
    return lists if any(lists) else []
