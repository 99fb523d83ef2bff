"""Reads the environment variables of a compose file's services."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.recipes import compose_values as values
from seatrial.agent.recipes.compose_limits import is_true
from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.recipes.repository_paths import inside
from seatrial.agent.recipes.variables import PLATFORM, dotenv, launch_form

ReadFile = Callable[[str], Awaitable[bytes | None]]


@dataclass
class ServiceEnvironment:
    """Reads the environment of each service. `known` holds the project's variables and those of the repository's .env file,
    in launch form."""

    document: Document
    read_file: ReadFile
    known: Mapping[str, str]
    warnings: list[str]
    _files: dict[str, dict[str, str]] = field(default_factory=dict)

    async def of(self, at: Path, keys: dict[str, Any]) -> dict[str, str]:
        """The variables of a service, in launch form: those of env_file, overridden by environment. Raises RecipeError."""
        result: dict[str, str] = {}
        entries = keys.get("env_file") or []
        for entry in entries if isinstance(entries, list) else [entries]:
            result |= await self._file(
                (*at, "env_file"), entry if isinstance(entry, dict) else {"path": entry}
            )
        for name, value in values.mapping(keys.get("environment")).items():
            result[name] = values.text(value) if value is not None else self.bare(name) or ""
        return result

    def bare(self, name: str) -> str | None:
        """The value of a variable that is listed without one, in launch form; None if it is unknown."""
        known = self.known.get(name)
        return "${" + name + ":-" + (known or "") + "}" if name.startswith(PLATFORM) else known

    async def _file(self, at: Path, entry: Mapping[str, Any]) -> dict[str, str]:
        path = inside(self.document, at, str(entry["path"]))
        if path not in self._files:
            raw = await self.read_file(path)
            if raw is None and is_true(entry.get("required", True)):
                self.warnings.append(
                    self.document.warning(
                        at,
                        f"{path} is not in the commit, so nothing is read from it; what it sets can be written below "
                        "environment, as NAME: ${NAME}, with a value among the project's variables",
                    )
                )
            self._files[path] = dotenv(path, raw, self.known)
        return self._files[path]


async def known_values(read_file: ReadFile, variables: Mapping[str, str]) -> dict[str, str]:
    """The project's variables, which win, and those of the repository's .env file, in launch form."""
    given = {"PWD": "."} | {name: launch_form(value) for name, value in variables.items()}
    return dotenv(".env", await read_file(".env"), given) | given
