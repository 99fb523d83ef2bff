"""Our commands as a person can paste them."""

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "seatrial"


def typed(*words: str) -> str:
    """`seatrial WORDS`, which runs the installation that says so where this user is: not everybody has it in PATH."""
    return " ".join([_program(), *map(shlex.quote, words)])


def _program() -> str:
    own = Path(sys.executable).parent / PROGRAM
    found = shutil.which(PROGRAM)
    if not own.exists() or (found and os.path.realpath(found) == os.path.realpath(own)):
        return PROGRAM
    try:
        return shlex.quote(str(own.relative_to(Path.cwd())))
    except (ValueError, OSError):  # elsewhere, or this folder was deleted
        return shlex.quote(str(own))
