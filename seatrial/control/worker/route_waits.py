"""How long candidates wait for Traefik, what for, and when that is over. Decides only; the clock is the caller's."""

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.control.previews.routes import Candidate
from seatrial.control.worker.traefik import Said

ANSWERED_SECONDS = 60.0  # of Traefik answering without showing it
AWAY_SECONDS = 600.0  # of Traefik not answering
EXPLAINED_SECONDS = 5.0  # after which people are told why it waits
MAX_STEP_SECONDS = 5.0  # between two looks; a machine that slept did not wait
FIRST_POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.5


@dataclass
class Wait:
    """How long one candidate has waited, and what for."""

    candidate: Candidate
    answered_seconds: float = 0.0
    away_seconds: float = 0.0
    why: str = ""
    explained: str = ""  # what people read that it waits for
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
        """True when people should read why it waits, and do not read that yet."""
        return self.seconds >= EXPLAINED_SECONDS and self.why != self.explained

    def note(self, said: Said, now: float) -> None:
        """What Traefik says at this time. The time between two looks counts as what the second one says."""
        step = 0.0 if self.looked_at is None else min(now - self.looked_at, MAX_STEP_SECONDS)
        if said.answered:
            self.answered_seconds += step
        else:
            self.away_seconds += step
        self.looked_at, self.why = now, said.why

    def message(self) -> str:
        """Why it failed, and what to do."""
        answers = self.answered_seconds >= ANSWERED_SECONDS
        fix = (
            "Mend that (Traefik's log says more)"
            if answers
            else "Start Traefik or mend GALLEY_TRAEFIK_API_URL"
        )
        return f"The route was not applied within {self.seconds:.0f} s: {self.why}. {fix}, then rebuild."


class Waits:
    """Of this worker, since it saw each. Another worker counts for itself; the first to decide does so for all."""

    def __init__(self) -> None:
        self._waits: dict[str, Wait] = {}

    def keep(self, candidates: Iterable[Candidate]) -> None:
        """These wait now. One whose endpoints moved goes on waiting."""
        known, self._waits = self._waits, {}
        for candidate in candidates:
            wait = known.get(candidate.deployment) or Wait(candidate)
            wait.candidate = candidate
            self._waits[candidate.deployment] = wait

    def drop(self, wait: Wait) -> None:
        """It is live or has failed: nothing waits any more."""
        self._waits.pop(wait.candidate.deployment, None)

    def all(self) -> list[Wait]:
        """Those that wait."""
        return list(self._waits.values())

    def poll_seconds(self) -> float | None:
        """How soon to look again: often for what has just begun to wait. None: nobody waits."""
        if not self._waits:
            return None
        youngest = min(wait.seconds for wait in self._waits.values())
        return min(MAX_POLL_SECONDS, max(FIRST_POLL_SECONDS, youngest / 20))
