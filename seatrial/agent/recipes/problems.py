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
    """Collects errors, warnings and notes while a recipe is read."""

    errors: list[RecipeError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *errors: RecipeError) -> None:
        """Note errors, each once; of one that tells of several, each of them."""
        each = [part for error in errors for part in error.parts]
        self.errors = list({str(error): error for error in [*self.errors, *each]}.values())

    def warn(self, *warnings: str) -> None:
        """Note warnings, each once."""
        self.warnings = list(dict.fromkeys([*self.warnings, *filter(None, warnings)]))

    def inform(self, *notes: str) -> None:
        """Take notes, each once: how previews are, and nothing to act on."""
        self.notes = list(dict.fromkeys([*self.notes, *notes]))

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
            raise together(sorted(self.errors, key=lambda error: error.place))


def together(errors: Sequence[RecipeError]) -> RecipeError:
    """One error with a line for each; of very many, for the first."""
    more = len(errors) - MOST_TOLD
    lines = [*map(str, errors[:MOST_TOLD]), *([f"and {more} more"] if more > 0 else [])]
    return RecipeError("\n".join(lines), parts=tuple(errors))
