"""`${VAR}` in a compose file, replaced the way compose does.

Values of `environment` are replaced once more when a deployment starts, because only then project variables and
hostnames are known. What is replaced here therefore has its dollars doubled there, and a variable without a
value is left for then; everywhere else it is an error.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dotenv import dotenv_values

from seatrial.agent.recipes.document import Document, Path

PATTERN = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<other>(?:[^{}]|\$\{[^{}]*\})*))?\}|(?P<bad>\{?))"
)


def dotenv(raw: bytes | None) -> dict[str, str]:
    """The variables of a .env file, without those of our own environment."""
    text = (raw or b"").decode("utf-8", errors="replace")
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value or "" for name, value in values.items()}


@dataclass(frozen=True)
class Interpolation:
    """Replaces variables in the strings of one document."""

    document: Document
    values: Mapping[str, str]

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
        """One string."""
        deferred = len(path) > 2 and path[0] == "services" and path[2] == "environment"
        return PATTERN.sub(lambda match: self._value(match, path, deferred), text)

    def _value(self, match: re.Match[str], path: Path, deferred: bool) -> str:
        if match["escaped"]:
            return "$$" if deferred else "$"
        if match["bad"] is not None:
            if match["bad"]:
                self.document.fail(
                    path, "a ${ without a readable name", "Write ${NAME}, or $$ for a dollar sign"
                )
            return "$$" if deferred else "$"
        name, how, other = match["plain"] or match["name"], match["how"] or "", match["other"] or ""
        value = self.values.get(name)
        if how.startswith(":") and not value:
            value = None
        return self._decide(match, path, deferred, value, how[-1:], other)

    def _decide(
        self, match: re.Match[str], path: Path, deferred: bool, value: str | None, how: str, other: str
    ) -> str:
        name = match["plain"] or match["name"]
        if how == "+":
            return self.text(other, path) if value is not None else ""
        if value is not None:
            return value.replace("$", "$$") if deferred else value
        if how == "-":
            return self.text(other, path)
        if how == "?" and not deferred:
            self.document.fail(
                path, f"{name} is required: {other or 'it has no value'}", f"Set {name} in .env"
            )
        if not deferred:
            self.document.fail(path, f"{name} has no value", f"Set it in .env, or write ${{{name}:-default}}")
        return "${" + name + "}"
