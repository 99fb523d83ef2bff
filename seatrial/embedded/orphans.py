"""Finds processes that a killed supervisor left running, by its records, and ends them."""

import signal

from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.locking import SUPERVISOR
from seatrial.embedded.processes import Records, end

# Processes that depend on others end first: none should lose its database while it runs.
ORDER = ("agent", "worker", "web", "first-data", "traefik", "bus", "postgres")


def end_all(data: DataDirectory) -> list[str]:
    """End every recorded process except a supervisor, and return their names. Blocks until they are gone."""
    records = Records(data.run)
    ended = []
    known = {record.name: record for record in records.all() if record.name != SUPERVISOR}
    for name in sorted(known, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER)):
        record = known[name]
        if record.find():
            # Every process was told to end when the supervisor died; for PostgreSQL, SIGINT means to end now.
            sign = signal.SIGINT if name == "postgres" else signal.SIGTERM
            end(record, stop_signal=sign, grace_seconds=5)
            ended.append(name)
        records.remove(name)
    return ended
