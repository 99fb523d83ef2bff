"""What Compose complains of, in our form: file, line, key, problem, fix."""

import difflib
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from seatrial.agent.recipes.compose.cell import PROJECT
from seatrial.agent.recipes.compose.marks import MARK
from seatrial.agent.recipes.compose.places import Places, value_for
from seatrial.agent.recipes.document import Path
from seatrial.agent.vocabulary.errors import RecipeError

MOST_WARNINGS = 50
LOGGED = re.compile(r'^time="[^"]*" level=(\w+) msg=("(?:[^"\\]|\\.)*")(.*)$')
UNSET = re.compile(r'The "(.*)" variable is not set\. Defaulting to a blank string\.', re.DOTALL)
SILENT = re.compile(
    r"for boolean is not supported by YAML 1\.2|`version` is obsolete|outside Swarm mode|only honored (?:in Swarm mode|by the Swarm)"
)
NOT_A_NUMBER = r'strconv\.\w+: parsing "(.*?)"'
# What Compose says of a text in which a part is empty; the key below which it stands; what is missing, and the fix.
EMPTY = (
    (re.compile(r"^no port specified: (.*)<empty>$", re.MULTILINE), "ports", "lacks a port", 'Write it like "8080:80" or 80'),
    (re.compile(r"^invalid (?:spec: (.*): empty section between colons|empty volume spec())$", re.MULTILINE), "volumes",
     "lacks a path", "Write it like ./folder:/path/in/the/container"),
    (re.compile(r"^env file ( ?)not found: stat :"), "env_file", "names no file", "Name a file of this repository"),
)  # fmt: skip
KEY = re.compile(
    r"services\.[\w.\[\]-]+|'services\[[^']*\]\.[\w.\[\]]+'|(?:volumes|networks|secrets|configs)\.[\w.-]+"
)
NO_FILE = "Add it, or correct the path"
OWN_FILES = "Commit the file, and name its path in this repository"
REMOTE = re.compile(
    r"failed to access repository at (\S+?):?(?:\s|$)|failed to pull OCI resource \"([^\"]+)\""
)


@dataclass(frozen=True)
class Complaints:
    """`files` are what Compose was given; its places are in `places`."""

    places: Places
    files: Mapping[str, bytes]

    def errors(self, said: str) -> list[RecipeError]:
        """At least one, whatever Compose said."""
        text = "\n".join(line for line in said.splitlines() if not LOGGED.match(line)).strip()
        found = [error for read in self._readings() for error in read(text)]
        return sorted(found or [self._otherwise(text)], key=lambda error: (*error.place, str(error)))

    def warnings(self, said: str) -> list[str]:
        """What Compose warned of, each once."""
        several = list(dict.fromkeys(logged(said)))
        warnings = {warning for message in several[:MOST_WARNINGS] if (warning := self._warning(message))}
        more = len(several) - MOST_WARNINGS
        rest = [f"{self.places.file}: and {more} more warnings from Compose"] if more > 0 else []
        in_order = [text for *_, text in sorted(warnings)]  # Compose prints them in any order
        return in_order + rest

    def _warning(self, message: str) -> tuple[str, int, str] | None:
        """File, line and text; None if people need not be told."""
        if unset := UNSET.fullmatch(message):
            name = unset[1]
            file, line = self._mention(r"[$]\{?" + re.escape(name) + r"\b")
            fix = value_for(name)
            told = f'{file}:{line}: "{name}" is not set, so an empty text is used. {fix[:1].upper()}{fix[1:]}'
            return file, line, told
        if SILENT.search(message):
            return None
        return self.places.file, 0, f"{self.places.file}: {shown(message)}"

    def _readings(self) -> list[Callable[[str], Iterator[RecipeError]]]:
        return [
            self._interpolated,
            self._format,
            self._remote,
            self._missing,
            self._extended,
            self._decoded,
            self._ports,
            self._empty,
            self._variables,
            self._circle,
        ]

    def _interpolated(self, text: str) -> Iterator[RecipeError]:
        for key, problem in re.findall(r"^error while interpolating (\S+): (.*)$", text, re.MULTILINE):
            path = self._path(key)
            if needed := re.fullmatch(r"required variable (\S+) is missing a value(?:: (.*))?", problem):
                reason = (needed[2] or "it has no value").rstrip(".")
                file, line = self._mention(rf"[$][{{]{re.escape(needed[1])}\b", path)
                yield RecipeError(
                    f"{file}:{line}: {dotted(path)}: {needed[1]} is required: {reason}. "
                    f"Set {needed[1]} in the project's variables or in .env.",
                    at=path,
                    place=(file, line),
                )
            else:
                yield self.places.error(path, *unfitting(problem))

    def _format(self, text: str) -> Iterator[RecipeError]:
        pattern = r"invalid interpolation format for (\S+?)\.\n.*\n(.*)"
        for key, written in re.findall(pattern, text):
            problem = f"a ${{ without a readable name: {written[:60]}"
            yield self.places.error(self._path(key), problem, "Write ${NAME}, or $$ for a dollar sign")

    def _remote(self, text: str) -> Iterator[RecipeError]:
        for match in REMOTE.finditer(text):
            address = match[1] or match[2]
            at = self.places.naming(address.rpartition("/")[2].partition(":")[0])
            yield self.places.error(at, f"refused: {address} is a remote address", OWN_FILES)

    def _missing(self, text: str) -> Iterator[RecipeError]:
        match = re.search(r"(?:stat|open) (/.+?): (no such file or directory|permission denied)", text)
        if match is None:
            return
        path = match[1].removeprefix(f"{PROJECT}/")
        at = self.places.naming(path) or self.places.naming(posixpath.basename(path))
        written = str(self.places.written(at) or path)
        if re.search(r"https?:/", path):
            yield self.places.error(at, f"refused: {written} is a remote address", OWN_FILES)
        elif path.startswith("/"):
            fix = "Give a path below the repository's root"
            yield self.places.error(at, f"refused: {written} is outside the repository", fix)
        elif at:
            yield self.places.error(at, f"there is no file {path} in this commit", NO_FILE)
        else:  # no compose file names it, so COMPOSE_FILE does
            file, line = self._mention(re.escape(path))
            problem = f"COMPOSE_FILE: there is no file {path} in this commit. {NO_FILE}."
            yield RecipeError(f"{file}:{line}: {problem}", place=(file, line))

    def _extended(self, text: str) -> Iterator[RecipeError]:
        pattern = r'cannot extend service "(.*?)" in .*: service "(.*?)" not found'
        for name, base in re.findall(pattern, text):
            near = difflib.get_close_matches(base, self.places.written_services(), n=1)
            fix = (
                f"Did you mean {near[0]}"
                if near
                else "Describe it, or say in which file it is: {file: ..., service: ...}"
            )
            yield self.places.error(("services", name, "extends"), f"there is no service {base}", fix)

    def _decoded(self, text: str) -> Iterator[RecipeError]:
        for key, problem in re.findall(r"^'(services\[.*?)' (.*)$", text, re.MULTILINE):
            yield self.places.error(self._path(key), *known_problem(problem))

    def _ports(self, text: str) -> Iterator[RecipeError]:
        if match := re.search(r"invalid (?:containerPort|hostPort|proto|start port|port)[^:]*: (\S+)", text):
            mark = MARK.search(text)
            written = mark[1] if mark else match[1]
            path = self._holding(written, "ports") or self._holding(written, "expose")
            problem = marked(text) or f"{match[1]!r} is not a port"
            yield self.places.error(path, problem, 'Write it like "8080:80" or 80')

    def _empty(self, text: str) -> Iterator[RecipeError]:
        for pattern, key, problem, fix in EMPTY:
            if match := pattern.search(text):
                written = "".join(filter(None, match.groups())).strip()
                without = (path for path in self._below(key) if self.places.without_value(path))
                path = next(without, ()) or self._holding(written, key)
                yield self.places.error(path, f"{written!r} {problem}", fix)

    def _variables(self, text: str) -> Iterator[RecipeError]:
        for file, line, problem in re.findall(r"failed to read (.+?): line (\d+): (.*)", text):
            yield RecipeError(
                f"{shown(file)}:{line}: {shown(problem).rstrip('. ')}. Write NAME=value, one a line.",
                place=(shown(file), int(line)),
            )

    def _circle(self, text: str) -> Iterator[RecipeError]:
        if text.startswith("Circular reference"):
            names = from_the_same(re.findall(r"(\S+) in ", text))
            at = ("services", names[0], "extends") if names else ()
            yield self.places.error(at, f"{' -> '.join(names)} is a cycle", "Remove one of these")

    def _otherwise(self, text: str) -> RecipeError:
        """Compose's own words, at the first key that they name."""
        if panic := re.search(r"^panic: (.*)", text, re.MULTILINE):
            text = f"Compose stops at this file ({panic[1]})"
        said = shown(text).replace("\n", " ").strip() or "Compose cannot read it"
        if match := KEY.search(said):
            path = self._path(match[0])
            rest = said.replace(match[0], "", 1).removeprefix("validating ").partition(": ")
            if path in self._lines() and self.places.written(path) is None:
                return self.places.error(path, "has no value", "Write one, or remove the key")
            problem = rest[2] or said
            return self.places.error(path, problem.strip(" .:"), "Correct it")
        quoted = re.findall(r'"([^"]+)"', said)
        path = next((("services", name) for name in quoted if ("services", name) in self._lines()), ())
        return self.places.error(path, said.rstrip(". "), "Correct it")

    def _path(self, key: str) -> Path:
        """The path of a key as Compose writes it, `services.a.b.ports.[]` or `'services[a.b].ports'`: the longest there is."""
        plain = (
            re.sub(r"^services\[(.*?)\]", r"services.\1", key.strip("'")).replace(".[]", "").replace("[]", "")
        )
        known = {dotted(path): path for path in self._lines()}
        words = plain.split(".")
        for length in range(len(words), 0, -1):
            if found := known.get(".".join(words[:length])):
                return (*found, *words[length:])
        return tuple(words)

    def _lines(self) -> list[Path]:
        return [path for part in self.places.parts for path in part.lines]

    def _holding(self, text: str, key: str) -> Path:
        """The first entry below `key` of a service in whose text `text` stands."""
        entries = (path for path in self._below(key) if len(path) > 3)
        return next((path for path in entries if text in str(self.places.written(path))), ())

    def _below(self, key: str) -> Iterator[Path]:
        """`key` of every service, and what is in it; what is deeper first."""
        return (
            path
            for path in sorted(self._lines(), key=len, reverse=True)
            if path[0] == "services" and path[2:3] == (key,)
        )

    def _mention(self, pattern: str, path: Path = ()) -> tuple[str, int]:
        """File and line where `pattern` stands first; else of `path`."""
        ours = [part.file for part in self.places.parts]
        for file in [*ours, *(file for file in sorted(self.files) if file not in ours)]:
            text = self.files[file].decode(errors="replace")
            if match := re.search(pattern, text):
                return file, text.count("\n", 0, match.start()) + 1
        return self.places.where(path)


def logged(said: str) -> list[str]:
    """The messages of Compose's log."""
    return [unquoted(match[2]) for line in said.splitlines() if (match := LOGGED.match(line))]


def unset(said: str) -> frozenset[str]:
    """The variables that Compose found without a value."""
    return frozenset(match[1] for message in logged(said) if (match := UNSET.fullmatch(message)))


def known_problem(said: str) -> tuple[str, str]:
    """(problem, fix) for what Compose says of one value."""
    if match := re.search(r"invalid size: '(.*)'|(?:invalid duration|in duration) \"(.*)\"", said):
        what, fix = ("size", "512m or 1g") if match[1] is not None else ("duration", "30s or 1m30s")
        return f"{match[1] or match[2] or ''!r} is not a {what}", f"Write it like {fix}"
    if "invalid command line string" in said:
        return "cannot be split into words", "Close the quote, or write a list"
    return unfitting(said)


def unfitting(said: str) -> tuple[str, str]:
    """(problem, fix) for a value that is of another type once its variables are replaced."""
    if number := re.search(NOT_A_NUMBER, said):
        return marked(said) or f"{number[1]!r} is not a number", "Write it like 3"
    if boolean := re.search(r"invalid boolean: ?(.*)", said):
        return marked(said) or f"{boolean[1]!r} is neither true nor false", "Write true or false"
    return marked(said) or shown(said).rstrip(". "), "Correct it"


def marked(said: str) -> str:
    """The problem with a name of the platform in a place where no text is meant."""
    match = MARK.search(said)
    return (
        f"{match[1]} is known only when the preview starts, so it can be used only in environment and build.args"
        if match
        else ""
    )


def dotted(path: Path) -> str:
    """A path as people read it."""
    return ".".join(str(part) for part in path)


def shown(text: str) -> str:
    """Compose's words without the paths of its cell."""
    return MARK.sub(r"${\1}", text).replace(f"{PROJECT}/", "").replace(PROJECT, ".")


def unquoted(text: str) -> str:
    """The text of a quoted string in Compose's log."""
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')


def from_the_same(circle: list[str]) -> list[str]:
    """A circle as a path that ends where it began, from the same name each time: Compose begins anywhere."""
    ring = circle[:-1]
    if len(ring) < 2 or circle[-1] != ring[0]:
        return circle
    first = ring.index(min(ring))
    return [*ring[first:], *ring[:first], ring[first]]
