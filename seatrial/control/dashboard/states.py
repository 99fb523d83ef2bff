"""How every state looks: one tone, one icon and one word each, the same on every page. Never colour alone."""

from dataclasses import dataclass
from enum import StrEnum

from seatrial.wire.states import (
    AgentState,
    DeploymentState,
    EnvironmentState,
    EvaluationState,
    Level,
    ResultState,
    SnapshotState,
    TestsState,
    TrialState,
    WaiverState,
)
from seatrial.wire.words import ServiceState


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
    Tone.GOOD: [
        EnvironmentState.RUNNING, DeploymentState.LIVE, EvaluationState.PASSED, AgentState.ONLINE, WaiverState.APPROVED, TrialState.FINISHED,
        Level.SOFT, Level.HARD, SnapshotState.SAVED, "accepted", "done", "healthy",
    ],
    Tone.WAITING: [
        EnvironmentState.PENDING, EnvironmentState.BUILDING, DeploymentState.QUEUED, DeploymentState.STARTING,
        AgentState.DRAINING, SnapshotState.SAVING, ServiceState.RESTARTING, WaiverState.REQUESTED, "checking", "updating", "not connected",
    ],
    Tone.BAD: [
        DeploymentState.FAILED, EvaluationState.ERRORED, EvaluationState.TIMED_OUT, AgentState.OFFLINE,
        ServiceState.UNHEALTHY, ServiceState.EXITED, ServiceState.MISSING,
        "rejected (signature)", "rejected (secret unavailable)", "rejected (parse)",
        "given up",
    ],
    Tone.GONE: [
        EnvironmentState.TERMINATED, EnvironmentState.STOPPED, EnvironmentState.HIBERNATING,
        DeploymentState.SUPERSEDED, DeploymentState.CANCELLED, AgentState.REVOKED, ResultState.SKIPPED, ResultState.WAIVED,
        Level.DRAFT, Level.ADVISORY, WaiverState.REJECTED, WaiverState.EXPIRED, WaiverState.WITHDRAWN, TestsState.UNTRIED,
        "stopping", "closed", "none",
    ],
}  # fmt: skip
TONE_OF: dict[str, Tone] = {word: tone for tone, words in _TONES.items() for word in words}
_WORDS: dict[str, str] = {EvaluationState.TIMED_OUT: "Timed out", "none": "No preview"}


@dataclass(frozen=True)
class Face:
    """A state as people see it."""

    tone: Tone
    icon: str
    word: str


def face(state: str) -> Face:
    """The face of any state. An unknown one is grey and shows its own word."""
    tone = TONE_OF.get(state, Tone.GONE)
    return Face(tone, ICONS[tone], _WORDS.get(state, state[:1].upper() + state[1:].replace("_", " ")))
