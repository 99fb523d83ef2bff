"""What the variables of a Dockerfile stand for, instruction by instruction."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from seatrial.agent.builds.options import unquoted
from seatrial.agent.recipes.dockerfile import LONGEST, VARIABLE, assignments, of_this_machine, replaced


@dataclass
class Variables:
    """`arguments` are the build's. What is told before the first `begin` is for FROM lines, and for who asks with ARG."""

    arguments: Mapping[str, str]
    _of_file: dict[str, str] = field(default_factory=dict)
    _here: dict[str, str] | None = None

    @property
    def known(self) -> Mapping[str, str]:
        """All of them, where the Dockerfile has been read to."""
        return self._of_file if self._here is None else self._here

    def begin(self, environment: Mapping[str, str]) -> None:
        """A stage, with what the stage or image before it leaves."""
        self._here = dict(environment)

    def copied(self) -> "Variables":
        """As they are now."""
        return replace(self, _here=None if self._here is None else dict(self._here))

    def heed(self, keyword: str, rest: str) -> None:
        """One instruction."""
        known = self._of_file if self._here is None else self._here
        if keyword == "ENV":
            known |= {name: self._value(value) for name, value in pairs(rest)}
        elif keyword == "ARG":
            given = {**of_this_machine(), **self.arguments}
            for word in words(rest):
                name, equals, default = word.partition("=")
                known[name] = given.get(name, self._value(default) if equals else self._of_file.get(name, ""))

    def _value(self, text: str) -> str:
        return replaced(text, self.known)[:LONGEST]

    def filled(self, text: str) -> str | None:
        """`text` with the variables filled in; None if it does more with one than name it."""
        if any((one[2] or "").endswith("+") for one in VARIABLE.finditer(text)):
            return None  # a variable that only the base image knows would decide
        found = unquoted(replaced(text, self.known))
        return None if "$" in found else found


def words(text: str) -> list[str]:
    """The words of an instruction, without their quotes."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """The names and values of one ENV."""
    try:
        yield from assignments(text).items()
    except ValueError:
        yield from ((name, value) for name, _, value in (word.partition("=") for word in text.split()))
