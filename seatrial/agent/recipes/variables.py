"""`${VAR}` in a compose file, replaced the way compose does.

Values of `environment` and `build.args` are replaced once more when a deployment starts, because only then
hostnames are known. These values are therefore first written in *launch form*: dollars doubled, and variables without
a value yet, or named GALLEY_..., as `${NAME}` or `${NAME:-default}`. Elsewhere in the file every variable must be
replaced at once.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dotenv.parser import Binding, parse_stream

from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.vocabulary.errors import RecipeError

PATTERN = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<other>(?:[^{}]|\$\{[^{}]*\})*))?\}|(?P<bad>\{?))"
)
LEFT = re.compile(r"\$(?:\$|\{(\w+)(?::-((?:[^{}]|\$\{[^{}]*\})*))?\})")
BLANK = re.compile(r"[^\S\n]{200,}")  # the parser of .env files takes minutes over many
PLATFORM = "GALLEY_"
MOST_CHARACTERS = 1_000_000  # that variables may add: variables that double each other would fill the memory


def launch_form(text: str) -> str:
    """`text` escaped, so that the replacement at the start yields it unchanged."""
    return text.replace("$", "$$")


def dotenv(file: str, raw: bytes | None, known: Mapping[str, str]) -> dict[str, str]:
    """The variables of a .env file in launch form: each may use `known` ones and those above it, never GALLEY_ ones.

    Text in single quotes stays as it is; a name without a value is empty. Raises RecipeError.
    """
    text = (raw or b"").decode("utf-8-sig", errors="replace")
    if blank := BLANK.search(text):
        number = text.count("\n", 0, blank.start()) + 1
        raise RecipeError(f"{file}:{number}: {len(blank[0])} spaces in a row. Remove them.")
    values: dict[str, str] = {}
    replacing = Interpolation(Document(file, {}), known, values, lenient=True)
    for line in parse_stream(io.StringIO(text)):
        if line.key is not None and line.value is None:
            values[line.key] = known.get(line.key, "")
        elif line.key is not None:
            value = line.value or ""
            values[line.key] = launch_form(value) if literal(line) else replacing.launch(value, (line.key,))
    return values


def literal(line: Binding) -> bool:
    """Whether the value stands in single quotes."""
    return line.original.string.partition("=")[2].lstrip().startswith("'")


def deferred(path: Path) -> bool:
    """Whether the value at `path` is replaced again at the start."""
    below = path[2:] if path[:1] == ("services",) else ()
    return below[:1] == ("environment",) or below[:2] == ("build", "args")


@dataclass
class Interpolation:
    """Replaces variables in the strings of one document by `values`, then by `further` ones, both in launch form."""

    document: Document
    values: Mapping[str, str]
    further: Mapping[str, str]
    lenient: bool = False  # a variable without a value becomes empty; an invalid name stays
    produced: int = 0

    def everywhere(self, data: Any, path: Path = ()) -> Any:
        """`data` with every string's variables replaced; keys and top-level extensions are left as they are."""
        if isinstance(data, dict):
            extensions = {key: value for key, value in data.items() if not path and key.startswith("x-")}
            rest = {key: value for key, value in data.items() if key not in extensions}
            return extensions | {key: self.everywhere(value, (*path, key)) for key, value in rest.items()}
        if isinstance(data, list):
            return [self.everywhere(value, (*path, index)) for index, value in enumerate(data)]
        return self.text(data, path) if isinstance(data, str) else data

    def text(self, text: str, path: Path) -> str:
        """One string with its variables replaced; in launch form if `path` is replaced again at the start."""
        if "$" not in text:
            return text
        value = self.launch(text, path)
        return value if deferred(path) else self.final(value, path)

    def launch(self, text: str, path: Path) -> str:
        """`text` in launch form."""
        return PATTERN.sub(lambda match: self._counted(self._value(match, path), path), text)

    def final(self, text: str, path: Path) -> str:
        """`text`, which is in launch form, with every remaining reference replaced now."""

        def value(match: re.Match[str]) -> str:
            name, default = match[1], match[2]
            if name is None:
                return "$"
            if default is not None:
                return self.final(default, path)
            if name.startswith(PLATFORM):
                raise self.document.error(
                    path, f"{name} is known only at the start", "Use it in environment or build.args"
                )
            raise self.document.error(
                path, f"{name} has no value", f"Set it in .env, or write ${{{name}:-default}}"
            )

        return LEFT.sub(value, text)

    def _counted(self, text: str, path: Path) -> str:
        self.produced += len(text)
        if self.produced > MOST_CHARACTERS:
            self.document.fail(
                path, f"variables add more than {MOST_CHARACTERS:,} characters", "Use shorter values"
            )
        return text

    def _value(self, match: re.Match[str], path: Path) -> str:
        if match["escaped"]:
            return "$$"
        if match["bad"] is not None:
            if match["bad"] and not self.lenient:
                self.document.fail(
                    path, "a ${ without a readable name", "Write ${NAME}, or $$ for a dollar sign"
                )
            return launch_form(match[0])
        name, how, other = match["plain"] or match["name"], match["how"] or "", match["other"] or ""
        value = self.values.get(name, self.further.get(name))
        if how.startswith(":") and not value:
            value = None
        if name.startswith(PLATFORM):
            return self._later(path, name, value, how[-1:], other)
        return self._decide(path, name, value, how[-1:], other)

    def _later(self, path: Path, name: str, value: str | None, how: str, other: str) -> str:
        """The reference to a platform variable, left for the start: the platform's value wins over any other."""
        if how == "+":
            return self.launch(other, path)
        default = self.launch(other, path) if how == "-" and value is None else value
        return "${" + name + "}" if default is None else "${" + name + ":-" + default + "}"

    def _decide(self, path: Path, name: str, value: str | None, how: str, other: str) -> str:
        if how == "+":
            return self.launch(other, path) if value is not None else ""
        if value is not None:
            return value
        if how == "-":
            return self.launch(other, path)
        if how == "?" and not deferred(path) and not self.lenient:
            self.document.fail(
                path, f"{name} is required: {other or 'it has no value'}", f"Set {name} in .env"
            )
        return "" if self.lenient else "${" + name + "}"
