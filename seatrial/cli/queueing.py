"""Reports that queued work is not picked up, and ends the wait."""

import time

from seatrial.cli.api import Api, Json
from seatrial.cli.errors import CommandError
from seatrial.cli.phases import Phases
from seatrial.embedded.typed import typed
from seatrial.wire.states import AgentState

FIRST_LOOK_SECONDS = 3.0
PATIENCE_SECONDS = 120.0


class Queue:
    """Checks whether an agent is online while the work we wait for has not been picked up."""

    def __init__(self, api: Api, phases: Phases, *, sandbox: bool = False) -> None:
        self._api = api
        self._phases = phases
        self._sandbox = sandbox  # whether the work needs a sandbox
        self._told: set[str] = set()
        self._next = time.monotonic() + FIRST_LOOK_SECONDS
        self._alone_since: float | None = None

    def look(self, waits_for: str = "") -> None:
        """Check once; call repeatedly while the work is queued. Raises CommandError if no agent is online for a while.

        `waits_for`: what the platform says has to happen first.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + FIRST_LOOK_SECONDS
        online = [
            agent for agent in self._api.get("/status")["agents"] if agent["state"] == AgentState.ONLINE
        ]
        if online:
            self._alone_since = None
            self._tell_problems(online)
            self._tell(f"waits for {waits_for}" if waits_for else "")
            return
        if self._alone_since is None:
            self._alone_since = now
            self._phases.note("no agent is online; this continues when one is back")
        if now - self._alone_since > PATIENCE_SECONDS:
            raise CommandError(
                f"no agent was online for {PATIENCE_SECONDS:.0f} s. The work continues when one is back.",
                fix=f"See what is wrong: {typed('doctor')}",
            )

    def _tell_problems(self, agents: list[Json]) -> None:
        for agent in agents if self._sandbox else []:
            problem = agent.get("sandbox_problem")
            self._tell(f"no policy can run on {agent['name']}: {problem}" if problem else "")

    def _tell(self, text: str) -> None:
        """Note `text`, once."""
        if text and text not in self._told:
            self._told.add(text)
            self._phases.note(text)
