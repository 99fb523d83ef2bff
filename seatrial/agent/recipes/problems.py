"""Collects everything that is wrong with a recipe, so that one push can fix it all."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from seatrial.agent.vocabulary.errors import RecipeError

MOST_TOLD = 10
Value = TypeVar("Value")


@dataclass
class Problems:
    """Collects errors and warnings while a recipe is read."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, *errors: RecipeError) -> None:
        """Note errors, each once."""
        self.errors = list(dict.fromkeys([*self.errors, *map(str, errors)]))

    def add_lines(self, text: str) -> None:
        """Note the lines of an error that contains several."""
        self.errors = list(dict.fromkeys([*self.errors, *text.splitlines()]))

    def warn(self, *warnings: str) -> None:
        """Note warnings, each once."""
        self.warnings = list(dict.fromkeys([*self.warnings, *filter(None, warnings)]))

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """A RecipeError ends the block and is noted."""
        try:
            yield
        except RecipeError as error:
            self.add(error)

    def noted_in(self, read: Callable[[], Value], otherwise: Value) -> Value:
        """What `read` returns; `otherwise` when it raises a RecipeError, which is noted."""
        with self.noted():
            return read()
        return otherwise

    def raise_all(self) -> None:
        """Raise RecipeError if there was any, in the order of files and lines."""
        if self.errors:
            raise RecipeError(together(sorted(self.errors, key=placed)))


def placed(message: str) -> tuple[str, int]:
    """What sorts messages by file and line."""
    file, _, rest = message.partition(":")
    line = rest.partition(":")[0]
    return file, int(line) if line.isdecimal() else 0


def together(errors: Sequence[str]) -> str:
    """One message: a line for each."""
    more = len(errors) - MOST_TOLD
    return "\n".join([*errors[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])])
