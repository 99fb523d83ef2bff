"""Shows how an agent is drained: what moves where, what has gone, what stays and why."""

from seatrial.cli.api import Api, Json
from seatrial.cli.phases import Phases
from seatrial.cli.terminal import Terminal, bold, note
from seatrial.cli.waiting import until
from seatrial.wire.counted import counted
from seatrial.wire.words import DrainStep


class Drained:
    """Waits until everything that moves off an agent has moved; as long as it takes."""

    def __init__(self, api: Api, agent: str, terminal: Terminal) -> None:
        self._api = api
        self._agent = agent
        self._phases = Phases(terminal)
        self._named: dict[str, str] = {}  # what is on its way, by id

    def wait(self) -> Json:
        """The agent, as the platform answered it then."""
        with self._phases:
            row: Json = until(self._look)
        return row

    def _look(self) -> Json | None:
        row: Json = self._api.get(f"/agents/{self._agent}")
        ahead = {one["id"]: one for one in row["residents"] if one["step"] != DrainStep.STAYS}
        staying = {one["id"] for one in row["residents"]} - ahead.keys()
        for id, one in ahead.items():
            self._named.setdefault(id, one["name"])
            self._phases.begin(one["name"])
        for id, name in list(self._named.items()):
            if id not in ahead:
                del self._named[id]
                if id in staying:
                    self._phases.forget(name)
                else:
                    self._phases.end(name)
        return None if row["ahead"] and row["draining_since"] else row


def departed(terminal: Terminal, row: Json) -> None:
    """One line for each preview on the agent: what becomes of it, and why."""
    for one in row["residents"]:
        step = f"{one['step']} to {one['to']}" if one["to"] else one["step"]
        terminal.line("  ", bold(one["name"]), f"  {step}", note(f"  {one['reason']}"))
    if row["hidden"]:
        terminal.line("  ", note(f"{counted(row['hidden'], 'preview')} of other workspaces"))
    if not row["residents"] and not row["hidden"]:
        terminal.line("  ", note("no preview is there"))
