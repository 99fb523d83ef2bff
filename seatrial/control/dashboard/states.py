"""How every state looks: one tone, one icon and one word each, the same on every page. Never colour alone."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """The four colours a state may have."""

    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"
    GONE = "gone"


ICONS = {
    Tone.GOOD: "circle-check",
    Tone.WAITING: "clock",
    Tone.BAD: "circle-x",
    Tone.GONE: "circle-minus",
}

_TONES = {
    Tone.GOOD: ["running", "live", "passed", "online", "accepted", "done", "healthy"],
    Tone.WAITING: [
        "pending", "queued", "building", "starting", "draining", "restarting", "checking", "updating",
    ],
    Tone.BAD: ["failed", "errored", "timed_out", "offline", "unhealthy", "exited", "missing", "rejected"],
    Tone.GONE: [
        "terminated", "superseded", "cancelled", "hibernating", "revoked", "skipped", "stopping", "closed", "none",
    ],
}  # fmt: skip
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words}
_WORDS = {"timed_out": "Timed out", "none": "No preview"}


@dataclass(frozen=True)
class Face:
    """A state as people see it."""

    tone: Tone
    icon: str
    word: str


def face(state: str) -> Face:
    """The face of any state; of what is not known, a grey one with its own word."""
    word = state.split(" ", maxsplit=1)[0]
    tone = _TONE_OF.get(word, Tone.GONE)
    return Face(tone, ICONS[tone], _WORDS.get(state, state[:1].upper() + state[1:].replace("_", " ")))
