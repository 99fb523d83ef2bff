"""Where in the compose files something stands that Compose has read out of all of them together."""

import posixpath
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from seatrial.agent.recipes.compose.sources import DOTENV, FILES, OVERRIDES
from seatrial.agent.recipes.document import Document, Path, parse_several
from seatrial.agent.vocabulary.errors import RecipeError

VARIABLE = re.compile(r"[$]\{?(\w+)")
ABOUT_SERVICES = re.compile(rb"""^["'{ ]*(services|include)["']?\s*:""", re.MULTILINE)


@dataclass(frozen=True)
class Places(Document):
    """The whole model (`data`), whose keys stand in `parts`: the files it was made from, the first one first."""

    parts: Sequence[Document] = ()
    unset: Set[str] = frozenset()  # names of variables without a value

    def error(self, path: Path, problem: str, fix: str, kind: type[RecipeError] = RecipeError) -> RecipeError:
        """See `Document.error`: where the author wrote a variable without a value, that is what to mend."""
        return super().error(path, problem, self.without_value(path) or fix, kind)

    def without_value(self, path: Path) -> str:
        """What to do about a variable without a value in what is written at `path`; empty if there is none."""
        found = self.written(path)
        if found is None and isinstance(short := self.written(path[:-1]), str):  # as in build: ./folder
            found = short
        texts = found if isinstance(found, list) else [found]
        names = [name for text in texts if isinstance(text, str) for name in VARIABLE.findall(text)]
        name = next((name for name in names if name in self.unset), None)
        return f"{name} has no value: {value_for(name)}" if name else ""

    def where(self, path: Path) -> tuple[str, int]:
        """See `Document.where`: in the file that says most about it, of several the one that is read last."""
        part, found = self._best_match(path)
        return part.where(found) if part else (self.file, 1)

    def written(self, path: Path) -> Any:
        """What the author wrote at `path`; None if that is not clear."""
        part, found = self._best_match(path)
        if part is None or found not in part.lines:
            return None
        value: Any = part.data
        for key in found:
            value = value[key]
        return value

    def naming(self, text: str) -> Path:
        """Where the value stands that says most about `text` by naming it; () if none does."""
        return next(
            (
                path
                for part in self.parts
                for path in part.lines
                if isinstance(value := self.written(path), str) and text in value
            ),
            (),
        )

    def order(self, name: str) -> tuple[int, int]:
        """Where a service stands among all: the model has them by their names."""
        for number, part in enumerate(self.parts):
            services = part.data.get("services")
            if isinstance(services, dict) and name in services:
                return number, list(services).index(name)
        return len(self.parts), 0

    def written_services(self) -> dict[str, Any]:
        """What the files say about each service, the inactive ones included."""
        found: dict[str, Any] = {}
        for part in self.parts:
            services = part.data.get("services")
            for name, keys in services.items() if isinstance(services, dict) else []:
                if isinstance(keys, dict):
                    found[name] = {**found.get(name, {}), **keys}
        return found

    def _best_match(self, path: Path) -> tuple[Document | None, Path]:
        """The file that says most about `path`, and where in it: what a service says itself goes before what it extends."""
        best: tuple[int, Document | None, Path] = (0, None, ())
        for candidate in self._candidates(path):
            for part in self.parts:
                depth = next((n for n in range(len(candidate), 0, -1) if candidate[:n] in part.lines), 0)
                if depth > best[0] or (depth == best[0] and depth and candidate == best[2]):
                    best = (depth, part, candidate)
        return best[1], best[2]

    def _candidates(self, path: Path) -> list[Path]:
        """`path`, and the same in the services that the service extends, in whichever file."""
        candidates = [path]
        for candidate in candidates:
            for part in self.parts:
                extended = inherited(part, candidate)
                if extended is not None and extended not in candidates:
                    candidates.append(extended)
        return candidates


def value_for(name: str) -> str:
    """How a variable gets a value."""
    return f"set it among the project's variables or in .env, or write ${{{name}:-default}}"


def inherited(part: Document, path: Path) -> Path | None:
    """The same path in the service that the service extends, as this file says; None if it says nothing."""
    if len(path) < 2 or path[0] != "services":
        return None
    services = part.data.get("services")
    keys = services.get(path[1]) if isinstance(services, dict) else None
    base = keys.get("extends") if isinstance(keys, dict) else None
    name = base.get("service") if isinstance(base, dict) else base
    return ("services", name, *path[2:]) if isinstance(name, str) else None


def roots(files: Mapping[str, bytes], named: str | None) -> list[str]:
    """The files that Compose begins with, its first one first. `named`: the value of COMPOSE_FILE."""
    if named:
        return [posixpath.normpath(path) for path in re.split(r"[:,;]", named) if path.strip()]
    first = [path for path in FILES if path in files][:1]
    return first + [path for path in OVERRIDES if path in files][:1]


def named_files(files: Mapping[str, bytes], variables: Mapping[str, str]) -> str | None:
    """COMPOSE_FILE as the variables or the commit's .env give it."""
    if "COMPOSE_FILE" in variables:
        return variables["COMPOSE_FILE"]
    text = files.get(DOTENV, b"").decode(errors="replace")
    match = re.search(r"^\s*(?:export\s+)?COMPOSE_FILE\s*[=:]\s*(.*?)\s*$", text, re.MULTILINE)
    return match[1].strip("'\"") if match else None


def parts_of(files: Mapping[str, bytes], first: Sequence[str]) -> tuple[list[Document], list[RecipeError]]:
    """The files that describe services, `first` first, as far as they are YAML; and what is wrong with the others."""
    others = [
        path
        for path in sorted(files)
        if path not in first
        and path not in {*FILES, *OVERRIDES}
        and path.endswith((".yml", ".yaml"))
        and ABOUT_SERVICES.search(files[path])
    ]
    read: list[Document] = []
    wrong: list[RecipeError] = []
    for path in (*first, *others):
        try:
            if path in files:
                read.extend(parse_several(path, files[path]))
        except RecipeError as error:
            wrong.append(error)
    return read, wrong
