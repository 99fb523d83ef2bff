"""The corpus of compose files: shapes that people write, each with what we read and say of it.

A file here is a list of shapes about one subject. A shape has the `files` of a commit, the `variables` of the project, and either

- `reads`: for each service, every field of the recipe (`seatrial.agent.recipes.recipe.Service`) that is not as by default, texts
  as a container sees them; or
- `refuses`: every line of the refusal;

and `says`: the warnings and notes. What we read on purpose in another way than Compose and without a word is in `unlike`, with the
reason: `service.key`, or `all` where Compose refuses the file.
`test_corpus` runs them all, and holds what we read against what Compose itself reads (`oracle`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from seatrial.agent.environments.interpolation import interpolated
from seatrial.agent.recipes.recipe import Recipe


@dataclass(frozen=True)
class Shape:
    """One commit, and what becomes of it."""

    shape: str
    files: Mapping[str, str]
    subject: str
    variables: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refuses: Sequence[str] = ()
    says: Sequence[str] = ()
    unlike: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.subject}: {self.shape}"


def shapes() -> list[Shape]:
    """All of them."""
    return [
        Shape(**{"subject": file.stem, **one})
        for file in sorted(Path(__file__).parent.glob("*.yaml"))
        for one in yaml.safe_load(file.read_text())
    ]


def as_written(recipe: Recipe, variables: Mapping[str, str]) -> dict[str, Any]:
    """A recipe as `reads` has it."""
    return {name: plain(service) for name, service in interpolated(recipe, variables).services.items()}


def plain(value: Any) -> Any:
    """`value` as YAML has it; of an object, what is not as by default."""
    if is_dataclass(value):
        given = {one.name: (getattr(value, one.name), default(one)) for one in fields(value)}
        return {name: plain(got) for name, (got, usual) in given.items() if name != "name" and got != usual}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(plain, value))
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.value if isinstance(value, Enum) else value


def default(one: "Field[Any]") -> Any:
    """The value that a field has if nobody gives one."""
    return one.default if one.default_factory is MISSING else one.default_factory()
