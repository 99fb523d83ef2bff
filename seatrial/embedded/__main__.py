"""The detached supervisor: `python -m seatrial.embedded up <pipe> <choices>`. People use `seatrial up --detach`."""

import json
import os
import sys

from seatrial.embedded import lifecycle, locking
from seatrial.embedded.errors import EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices
from seatrial.embedded.progress import Event, to_pipe


def main() -> None:
    """Run until told to stop. The progress of the start is written to the pipe."""
    _, pipe, asked = sys.argv[1:4]
    tell = to_pipe(int(pipe))
    os.set_inheritable(int(pipe), False)  # a child that inherits the pipe would keep `up` waiting
    try:
        lifecycle.run(
            DataDirectory.from_environment(os.environ), Choices(*json.loads(asked)), os.environ, tell
        )
    except locking.AlreadyRuns as error:
        tell(Event(kind="already_runs", text=str(error)))
    except EmbeddedError as error:
        tell(Event(kind="failed", text=str(error), fix=error.fix))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
