"""What `seatrial doctor --fix` mends: only processes that are recorded as this platform's, and nothing that holds data."""

import signal

from seatrial.embedded import locking, orphans
from seatrial.embedded.health import is_stopped
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Records


def mend(data: DataDirectory) -> list[str]:
    """Let stopped processes of a running platform go on; end those that a killed supervisor left. Says what it did."""
    if locking.running(data) is not None:
        return _let_go_on(data)
    if not any(one.name != orphans.LIFELINE for one in orphans.found(data)):
        return []
    with locking.held(data, patience_seconds=2):
        return [f"ended {name}, which a killed supervisor had left" for name in orphans.end_all(data)]


def _let_go_on(data: DataDirectory) -> list[str]:
    done = []
    for record in Records(data.run).all():
        process = record.find()
        if process is not None and is_stopped(process):
            process.send_signal(signal.SIGCONT)
            done.append(f"let {record.name} (pid {record.pid}) go on")
    return done
