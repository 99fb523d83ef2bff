"""What became of one policy's run, before anyone judged it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from seatrial.agent.sandboxes.broker import Seen


class Ending(StrEnum):
    """How a policy's run ended, in the words of the sandbox's warden, or of the host."""

    FINISHED = "finished"
    VANISHED = "vanished"
    TIMED_OUT = "timed out"
    PRINTED = "printed"
    FLOODED = "flooded"
    LOST = "lost"  # with its whole sandbox
    OTHER = "broke the protocol"

    @classmethod
    def of(cls, word: object) -> "Ending":
        """What comes out of a sandbox may be anything."""
        return next((known for known in cls if known.value == word), cls.OTHER)


@dataclass
class Outcome:
    """Filled as frames arrive, and judged by `validation.judge`."""

    how: Ending = Ending.OTHER
    code: int = 0
    seconds: float = 0.0
    said: Any = None  # the RESULT frame's value: {"returned": ...}, {"raised": text} or {"memory": true}
    output: str = ""
    logs: list[tuple[str, str]] = field(default_factory=list)
    seen: Seen = field(default_factory=list)
    note: str = ""  # what the host has to say about it
