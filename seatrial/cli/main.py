"""`seatrial`: the one command people use."""

import signal
import sys


def main() -> int:
    """Run the command line; the exit code. Ctrl-C is quiet from the first moment on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while importing there is nothing to say yet
    from seatrial.cli.app import run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
