"""The entry point of `seatrial`, the command that people use."""

import signal
import sys
from io import TextIOWrapper

from seatrial.lasting import lasting, without


def main() -> int:
    """Run the command line and return the exit code. Ctrl-C ends it without a traceback, also during the imports."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # for characters that the terminal cannot show
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # during the imports, Ctrl-C ends the process without a message
    with lasting(), without("pygments"):  # httpx would take it along, for its own command
        from seatrial.cli.app import run
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
