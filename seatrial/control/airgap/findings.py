"""What a check found: one line each."""

from dataclasses import dataclass
from enum import StrEnum

from seatrial.wire.visible import visible


class Mark(StrEnum):
    """How bad it is. Only FAIL makes the whole test fail."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line: what was found, and the fix if something is wrong."""

    mark: Mark
    text: str

    @property
    def line(self) -> str:
        """As it is printed; scripts of operators read the six characters at its beginning."""
        return f"{self.mark:<6}{visible(self.text)}"


def ok(text: str) -> Finding:
    """It is as it should be."""
    return Finding(Mark.OK, text)


def warn(text: str) -> Finding:
    """It works, but perhaps not as intended; or it could not be found out."""
    return Finding(Mark.WARN, text)


def fail(text: str) -> Finding:
    """It does not work."""
    return Finding(Mark.FAIL, text)
