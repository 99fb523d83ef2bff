"""What a supervisor that was killed left running: found by its records, and ended."""

import signal

from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.locking import SUPERVISOR
from seatrial.embedded.processes import Records, end

# Dependents first: nobody should see its database go before it goes itself.
ORDER = ("agent", "worker", "web", "first-data", "traefik", "bus", "postgres")


def end_all(data: DataDirectory) -> list[str]:
    """End every recorded process but a supervisor, and say which there were. Blocks until they are gone."""
    records = Records(data.run)
    ended = []
    known = {record.name: record for record in records.all() if record.name != SUPERVISOR}
    for name in sorted(known, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER)):
        record = known[name]
        if record.find():
            # Told to end when the supervisor died; PostgreSQL's own word for "now" is SIGINT.
            sign = signal.SIGINT if name == "postgres" else signal.SIGTERM
            end(record, stop_signal=sign, grace_seconds=5)
            ended.append(name)
        records.remove(name)
    return ended
