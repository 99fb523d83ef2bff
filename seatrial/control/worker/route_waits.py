"""Decides how long candidates wait for Traefik, and what they wait for. The caller passes in the time."""

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.control.previews.routes import Candidate
from seatrial.control.worker.traefik import Finding

ANSWERED_SECONDS = 60.0  # of waiting while Traefik answers but does not show it
AWAY_SECONDS = 600.0  # of waiting while Traefik does not answer
EXPLAINED_SECONDS = 5.0  # after this, its page says why it waits
MAX_STEP_SECONDS = 5.0  # the most that counts between two looks, in case the machine slept
FIRST_POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.5
PAUSES = 3  # times as long as a look took


@dataclass
class Wait:
    """How long one candidate has waited, and what for."""

    candidate: Candidate
    answered_seconds: float = 0.0
    away_seconds: float = 0.0
    why: str = ""
    explained: str = ""  # the reason that its page shows now
    looked_at: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has waited altogether."""
        return self.answered_seconds + self.away_seconds

    @property
    def is_over(self) -> bool:
        """True when it must fail."""
        return self.answered_seconds >= ANSWERED_SECONDS or self.away_seconds >= AWAY_SECONDS

    @property
    def is_unexplained(self) -> bool:
        """True when its page should say why it waits, and does not say that yet."""
        return self.seconds >= EXPLAINED_SECONDS and self.why != self.explained

    def note(self, finding: Finding, now: float) -> None:
        """Record what Traefik shows now. The time since the last look is counted by what this look shows."""
        step = 0.0 if self.looked_at is None else min(now - self.looked_at, MAX_STEP_SECONDS)
        if finding.answered:
            self.answered_seconds += step
        else:
            self.away_seconds += step
        self.looked_at, self.why = now, finding.why

    def message(self) -> str:
        """Why it failed, and what to do."""
        answers = self.answered_seconds >= ANSWERED_SECONDS
        fix = (
            "Fix that (Traefik's log says more)"
            if answers
            else "Start Traefik or correct GALLEY_TRAEFIK_API_URL"
        )
        return f"The route was not applied within {self.seconds:.0f} s: {self.why}. {fix}, then rebuild."


class Waits:
    """The waiting candidates of this worker, each since it first saw it.

    Every worker counts for itself; the first to decide about a candidate decides for all.
    """

    def __init__(self) -> None:
        self._waits: dict[str, Wait] = {}

    def keep(self, candidates: Iterable[Candidate]) -> None:
        """Replace the waiting candidates by these. One whose endpoints moved keeps the time that it has waited."""
        known, self._waits = self._waits, {}
        for candidate in candidates:
            wait = known.get(candidate.deployment) or Wait(candidate)
            wait.candidate = candidate
            self._waits[candidate.deployment] = wait

    def drop(self, wait: Wait) -> None:
        """Remove one that became live or failed."""
        self._waits.pop(wait.candidate.deployment, None)

    def all(self) -> list[Wait]:
        """All that wait."""
        return list(self._waits.values())

    def poll_seconds(self, looked_seconds: float = 0.0) -> float | None:
        """How soon to look again: very soon for one that has just begun to wait. None if none waits.

        A look took `looked_seconds`. If many wait, each look is at all routes there are, so looks take a part of the time at most.
        """
        if not self._waits:
            return None
        youngest = min(wait.seconds for wait in self._waits.values())
        return min(MAX_POLL_SECONDS, max(FIRST_POLL_SECONDS, youngest / 20, looked_seconds * PAUSES))
