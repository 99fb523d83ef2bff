"""Children that have sent their results: they are not ended at once, unless they hold memory or their time is over."""

from typing import Any

import psutil

from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.session import Session
from seatrial.wire.envelope import new_id
from seatrial.wire.evaluations import PolicyToRun
from tests.sandboxes.conftest import policy
from tests.waiting import until

PID = "import os\ndef evaluate(project):\n    {body}\n    return {{'passed': True, 'message': str(os.getpid())}}\n"
SMALL = PID.format(body="pass")
HUNGRY = PID.format(body="kept = bytearray(40 << 20)")
GOES_ON = """
import json, os, struct
def evaluate(project):
    body = json.dumps({"returned": {"passed": True, "message": str(os.getpid())}}).encode()
    os.write(3, struct.pack("!IBH", len(body), 6, 0) + body)
    while True:
        pass
"""


async def outcome(sandbox: Any, one: PolicyToRun) -> int:
    """Its process, when it has sent its result."""
    session = Session(sandbox, lambda _: None)  # type: ignore[arg-type, return-value]
    assert await session.run([(0, one)]) is None
    return int(session.outcomes[0].said["returned"]["message"])


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_who_has_finished_rests_while_that_costs_nobody_anything() -> None:
    sandbox = await ProcessSandboxes(find_program(), new_id()).start(3)
    try:
        await sandbox.warm(3)
        small = await outcome(sandbox, policy(SMALL))
        hungry = await outcome(sandbox, policy(HUNGRY))
        goes_on = await outcome(sandbox, policy(GOES_ON, timeout_seconds=0.5))
        await until(lambda: ended(hungry) and not ended(small))
        await until(lambda: ended(goes_on))
    finally:
        await sandbox.destroy()
    await until(lambda: ended(small))
