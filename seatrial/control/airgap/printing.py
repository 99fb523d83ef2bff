"""Where lines go."""

import io
import sys


def printable() -> None:
    """Let standard output and error take every character, also where the terminal's character set has not all of them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
