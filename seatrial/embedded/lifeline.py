"""Ends a platform whose supervisor was killed: `python -m seatrial.embedded.lifeline SUPERVISOR`, its pid.

The kernel signals each process of the platform to end when the supervisor dies. That is quick and nearly always enough; it
is not for a process that hangs, is stopped, or does not get the signal. The lifeline waits for the same death and
makes certain: each recorded process is asked, and then killed. A supervisor that ends in order has ended the
lifeline, too.
"""

import contextlib
import os
import select
import sys

from seatrial.embedded import locking, orphans
from seatrial.embedded.layout import DataDirectory


def main() -> None:
    """Wait for the supervisor's death, then leave nothing of its platform running."""
    data = DataDirectory.from_environment(os.environ)
    wait_for_death(int(sys.argv[1]))
    # A data directory that is gone was purged.
    with contextlib.suppress(OSError):
        names = end_platform(data)
        print(f"the supervisor died; ended with it: {', '.join(names) or 'nothing was left'}")  # noqa: T201


def wait_for_death(parent: int) -> None:
    """Return when `parent`, which started us, has died; at once if it has already."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(parent)
        if os.getppid() == parent:  # otherwise it died first, and the pid may be somebody else's
            select.select([descriptor], [], [])
        os.close(descriptor)


def end_platform(data: DataDirectory) -> list[str]:
    """End what the dead supervisor left running; returns what it was. Blocks until it is gone.

    Nothing when somebody holds the data directory: the next supervisor, or a command that stops the platform, begins
    with the same. The hold is only for looking: whoever comes now may start, and ends the same processes beside us.
    """
    try:
        with locking.held(data):
            left = [record for record in orphans.found(data) if record.pid != os.getpid()]
    except locking.AlreadyRuns:
        return []
    orphans.end_each(data, left)
    return [record.name for record in left]


if __name__ == "__main__":
    main()
