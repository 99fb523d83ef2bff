"""The raw outcome of one policy's run, before it is judged."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from seatrial.agent.sandboxes.questions import Seen

MOST_UNREAD = 10_000  # files, about


class Ending(StrEnum):
    """How a policy's run ended, as reported by the sandbox's warden or by the host."""

    FINISHED = "finished"
    VANISHED = "vanished"
    TIMED_OUT = "timed out"
    PRINTED = "printed"
    FLOODED = "flooded"
    STOPPED = "stopped"  # by the host, which says why in `note`
    LOST = "lost"  # lost together with its whole sandbox
    OTHER = "broke the protocol"

    @classmethod
    def of(cls, word: object) -> "Ending":
        """The ending that a sandbox sent; a sandbox may send anything."""
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
    network: str = ""  # by name, if it ran with one
    note: str = ""  # the host's explanation, if there is one
    unread: dict[str, str] = field(default_factory=dict)  # files that it asked for and was not given, and why
    again: bool = False  # it was stopped for a reason that another try may not meet
    failed_by_host: bool = False  # it was stopped for a reason that is not its own

    def answered(self, asked: Sequence[Any], value: Any) -> None:
        """Note what an answer leaves out."""
        if len(self.unread) >= MOST_UNREAD or not isinstance(value, dict):
            return
        if isinstance(why := value.get("unreadable"), str) and asked and isinstance(asked[0], str):
            self.unread[asked[0]] = why
        for name in ("left_out", "unread"):
            if isinstance(left_out := value.get(name), dict):
                self.unread |= left_out

    def stopped(self, note: str) -> None:
        """The host ended it, because of what it did. What it said before counts no more."""
        self.how, self.note = Ending.STOPPED, note

    def failed(self, note: str, *, again: bool) -> None:
        """The host ended it, because the host itself failed. What it said before counts no more."""
        self.stopped(note)
        self.again, self.failed_by_host = again, True
