"""What became of one policy's run, before anyone judged it."""

from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.sandboxes.broker import Seen


@dataclass
class Outcome:
    """Filled as frames arrive. `how` is the warden's word for the end, or the host's own.

    finished, vanished, timed out, printed, flooded, broke the protocol: see `validation.judge`.
    """

    how: str = ""
    code: int = 0
    seconds: float = 0.0
    said: Any = None  # the RESULT frame's value: {"returned": ...}, {"raised": text} or {"memory": true}
    output: str = ""
    logs: list[tuple[str, str]] = field(default_factory=list)
    seen: Seen = field(default_factory=list)
    note: str = ""  # what the host has to say about it
