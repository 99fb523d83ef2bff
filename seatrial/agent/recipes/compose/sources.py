"""Which files of a commit Compose is given: those that its files may name, found without reading them the way Compose does.

To look a little too far costs nothing. What this overlooks, a file whose name is made of variables, Compose names when it
misses it, and is then given (`asking`).
"""

import asyncio
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.tree import LINK, REGULAR, Tree

FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")  # the first is taken
OVERRIDES = (
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip
DOTENV = ".env"
MOST_BYTES = 256 * 1024  # of one file
MOST_TOGETHER = 8 * 1024**2
MOST_FILES = 500
MOST_FOLDERS = 50  # of one file
LONGEST_NAME = 255  # bytes
WORD = re.compile(r"(?:[\w./@+~-]|\$\{[^{}\s]*\}|\$)+")
PROJECT_DIRECTORY = re.compile(r"project_directory[\"']?\s*:\s*[\"']?([\w./-]+)")
VARIABLE = re.compile(r"\$\{[^{}\s]*\}|\$\w*")
MOST_LOOKED_AT = 1_000_000  # paths, for all names with variables in them together
MOST_MATCHES = 50  # of one name with variables in it; with more it says nothing


@dataclass
class Sources:
    """The files of `tree`, as far as Compose may read them. No link is followed.

    What `project_directory` names is among them too, empty, under its path with a / at the end: Compose looks whether that
    folder is there.
    """

    tree: Tree
    files: dict[str, bytes] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _looked_at: int = 0
    _links: set[str] = field(default_factory=set)

    async def collect(self, variables: Mapping[str, str]) -> None:
        """Everything at the root that Compose looks for by itself, and what those files and `variables` name, and so on."""
        entries = [entry for entry in await self.tree.entries() if is_plain(entry.path)]
        self._sizes = {entry.path: entry.size or 0 for entry in entries if entry.mode in REGULAR}
        self._links = {entry.path for entry in entries if entry.mode == LINK}
        named = {name for text in variables.values() for name in self._named(text, ".")}
        beside = {
            posixpath.join(posixpath.dirname(name), DOTENV) for name in named
        }  # what Compose looks for there
        await self._follow({*FILES, *OVERRIDES, DOTENV, *named, *beside})

    async def add(self, path: str) -> bool:
        """Whether `path` is a file of the commit that was not there; it is now, with what it names. Raises RecipeError for
        one that Compose is not given."""
        before = len(self.files)
        await self._follow({path})
        if len(self.files) > before:
            return True
        if path in self._links:
            raise RecipeError(f"{path} is a symbolic link, which is not followed. Commit the file itself.")
        if path in self._sizes:
            raise RecipeError(f"{path} is not a file of at most {MOST_BYTES // 1024} KB. Make it smaller.")
        return False

    def committed(self, path: str) -> bool:
        """Whether the commit has a regular file at `path`, of any size."""
        return path in self._sizes

    async def _follow(self, paths: Iterable[str]) -> None:
        waiting = self._readable(paths)
        while waiting:
            self._check(waiting)
            found = await self.tree.read_many(sorted(waiting), limit=MOST_BYTES)
            read = {path: content for path, content in found.items() if content is not None}
            self.files |= read
            waiting = self._readable(await asyncio.to_thread(self._named_in, read))
            self.files |= {
                folder: b"" for path, content in read.items() for folder in self._folders(path, content)
            }

    def _named_in(self, read: Mapping[str, bytes]) -> set[str]:
        return {
            name
            for path, content in read.items()
            if names_others(path)
            for name in self._named(content.decode(errors="replace"), posixpath.dirname(path))
        }

    def _folders(self, path: str, content: bytes) -> Iterator[str]:
        """The folders that `project_directory` of the file at `path` may name."""
        for word in PROJECT_DIRECTORY.findall(content.decode(errors="replace"))[:MOST_FOLDERS]:
            for start in {posixpath.dirname(path), "."}:
                folder = posixpath.normpath(posixpath.join(start, word)) + "/"
                if is_plain(folder[:-1]) and any(known.startswith(folder) for known in self._sizes):
                    yield folder

    def _readable(self, paths: Iterable[str]) -> set[str]:
        return {
            path
            for path in paths
            if path not in self.files and self._sizes.get(path, MOST_BYTES + 1) <= MOST_BYTES
        }

    def _check(self, waiting: set[str]) -> None:
        size = sum(self._sizes.get(path, 0) for path in [*waiting, *self.files])
        if size > MOST_TOGETHER or len(waiting) + len(self.files) > MOST_FILES:
            raise RecipeError(
                f"{FILES[0]}:1: the compose file and the files that it names are more than {MOST_FILES} files or {MOST_TOGETHER // 1024**2} MB. "
                "Name fewer files."
            )

    def _named(self, text: str, folder: str) -> Iterator[str]:
        """Files that `text`, of a file in `folder`, may name: beside it, or from the root on."""
        for word in set(WORD.findall(text)):
            for start in {folder, "."}:
                path = posixpath.normpath(posixpath.join(start, word))
                if "$" in word:
                    yield from self._matching(path)
                elif path in self._sizes:
                    yield path

    def _matching(self, path: str) -> list[str]:
        """The files that `path`, with variables in it, may become."""
        fixed = VARIABLE.split(path)
        if not any(re.search(r"\w\w", part) for part in fixed):
            return []
        self._looked_at += len(self._sizes)
        if self._looked_at > MOST_LOOKED_AT:
            return []
        pattern = re.compile("[^/]*".join(map(re.escape, fixed)))
        found = [known for known in self._sizes if pattern.fullmatch(known)]
        return found if len(found) <= MOST_MATCHES else []


def is_plain(path: str) -> bool:
    """Whether the path stays where it belongs, and fits into any file system."""
    parts = path.split("/")
    return (
        ".." not in parts
        and "" not in parts
        and max(len(part.encode(errors="replace")) for part in parts) <= LONGEST_NAME
    )


def names_others(path: str) -> bool:
    """Whether a file by this name may name further ones that Compose reads."""
    name = posixpath.basename(path).lower()
    return name.endswith((".yml", ".yaml")) or "env" in name
