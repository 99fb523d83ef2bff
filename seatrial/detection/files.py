"""What a detection may look at: the names of all files, and the texts of a few."""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What says how to run a repository, at its root, the first first: where one is, nothing is detected.
RECIPES = (
    "galley.yml", "galley.yaml", "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", "Dockerfile",
)  # fmt: skip
MAX_BYTES = 256 * 1024  # of one text; larger files are taken for files without one
MOST_SOURCES = 40
LONGEST_COMMAND = 4000
NAMES = frozenset({
    "Procfile", ".tool-versions", "requirements.txt", "pyproject.toml", "Pipfile", ".python-version", "runtime.txt", "manage.py",
    "package.json", ".nvmrc", ".node-version", "go.mod", "Gemfile", "Gemfile.lock", ".ruby-version", "composer.json", "pom.xml",
    "build.gradle", "build.gradle.kts", ".java-version", "next.config.js", "next.config.mjs", "next.config.ts", "vite.config.js",
    "vite.config.ts", "vite.config.mjs", "svelte.config.js", "app.rb",
})  # fmt: skip
SOURCES = re.compile(
    r"((src|app|api|backend)/)?(main|app|wsgi|asgi|server|application|run|api)\.py|[\w.-]+\.go|requirements/[\w.-]+\.txt"
)


@dataclass(frozen=True)
class Files:
    """`paths` of regular files, below one folder; `texts` of those that `wanted` names, without what is not text."""

    paths: frozenset[str]
    texts: Mapping[str, str]

    def has(self, *names: str) -> bool:
        """Whether one of these is there."""
        return any(name in self.paths for name in names)

    def first(self, *names: str) -> str:
        """The first of these that is there; else nothing."""
        return next((name for name in names if name in self.paths), "")

    def below(self, folder: str) -> bool:
        """Whether there is a file in this folder."""
        return any(path.startswith(f"{folder}/") for path in self.paths)

    def text(self, name: str) -> str:
        """The file's text; nothing without one."""
        return self.texts.get(name, "")

    def matching(self, pattern: str) -> Iterator[str]:
        """The paths that are wholly like `pattern`, nearest to the top first."""
        whole = re.compile(pattern)
        found = (path for path in self.paths if whole.fullmatch(path))
        return iter(sorted(found, key=lambda path: (path.count("/"), path)))

    def mapping(self, name: str) -> dict[str, Any]:
        """The JSON or TOML file as a map; empty if it is none."""
        try:
            read = json.loads(self.text(name)) if name.endswith(".json") else tomllib.loads(self.text(name))
        except (ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    def said(self, name: str, pattern: str) -> str:
        """What the only group of `pattern` matches first in the file; else nothing."""
        match = re.search(pattern, self.text(name), re.MULTILINE)
        return match[1] if match else ""

    @property
    def web_process(self) -> str:
        """The command of `web:` in a Procfile, as hosting platforms read it; else nothing."""
        command = self.said("Procfile", r"^web:[ \t]*(\S[^\r\n]*)").strip()
        return command if len(command) <= LONGEST_COMMAND else ""


def wanted(paths: Collection[str]) -> list[str]:
    """Those of `paths` whose texts `detect` reads."""
    sources = sorted(path for path in paths if SOURCES.fullmatch(path) and not path.endswith("_test.go"))
    return [*sorted(NAMES.intersection(paths)), *sources[:MOST_SOURCES]]


def files_of(paths: Collection[str], contents: Mapping[str, bytes | None]) -> Files:
    """`Files` of these regular files. What cannot be text is left out, so that no command is made of it."""
    texts = {
        name: raw.decode("utf-8-sig", errors="replace")
        for name, raw in contents.items()
        if raw is not None and len(raw) <= MAX_BYTES and b"\0" not in raw
    }
    return Files(frozenset(paths), texts)


def table(value: object, *keys: str) -> dict[str, Any]:
    """The map at `keys` of nested maps; empty if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def word(value: object, *keys: str) -> str:
    """The text at `keys` of nested maps; nothing if there is none."""
    found = table(value, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, str) else ""
