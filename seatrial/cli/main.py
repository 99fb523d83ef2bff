"""`seatrial`: the one command people use."""

import signal
import sys
from io import TextIOWrapper


def main() -> int:
    """Run the command line; the exit code. Ctrl-C is quiet from the first moment on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign that the terminal's character set lacks
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while importing there is nothing to say yet
    from seatrial.cli.app import run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
