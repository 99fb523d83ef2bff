"""Finds processes that a killed supervisor left running, by its records, and ends them."""

import signal

from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.locking import SUPERVISOR
from seatrial.embedded.processes import Record, Records, end

LIFELINE = "lifeline"
# Processes that depend on others end first: none should lose its database while it runs. The lifeline watches over all.
ORDER = ("agent", "worker", "web", "first-data", "traefik", "bus", "postgres", LIFELINE)
GRACE_SECONDS = 5.0
DATABASE_GRACE_SECONDS = 20.0  # it writes a checkpoint before it ends


def found(data: DataDirectory) -> list[Record]:
    """Every recorded process that runs now except a supervisor, dependents first."""
    records = [record for record in Records(data.run).all() if record.name != SUPERVISOR and record.find()]
    return sorted(records, key=lambda one: ORDER.index(one.name) if one.name in ORDER else len(ORDER))


def end_each(data: DataDirectory, processes: list[Record]) -> None:
    """End these very processes, in this order, and forget them. Blocks until they are gone.

    One that was replaced meanwhile keeps its record. Several may do this at once.
    """
    records = Records(data.run)
    for record in processes:
        postgres = record.name == "postgres"
        # For PostgreSQL, SIGINT means to end now, and cleanly.
        end(
            record,
            stop_signal=signal.SIGINT if postgres else signal.SIGTERM,
            grace_seconds=DATABASE_GRACE_SECONDS if postgres else GRACE_SECONDS,
        )
        if records.read(record.name) == record:
            records.remove(record.name)


def end_all(data: DataDirectory) -> list[str]:
    """End every recorded process except a supervisor, and return their names. Blocks until they are gone.

    The caller has locked the data directory, so that none of them is replaced meanwhile.
    """
    running = found(data)
    end_each(data, running)
    records = Records(data.run)
    for record in records.all():
        if record.name != SUPERVISOR:
            records.remove(record.name)
    return [record.name for record in running]
