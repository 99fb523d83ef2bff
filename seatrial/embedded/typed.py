"""Our commands and scripts as a person can paste them."""

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "seatrial"
CHECKOUT = Path(__file__).parents[2]


def typed(*words: str) -> str:
    """`seatrial WORDS`, which runs the installation that says so where this user is: not everybody has it in PATH."""
    return " ".join([_program(), *map(shlex.quote, words)])


def script(name: str) -> str:
    """`scripts/NAME` of the checkout that this installation runs from, as it is called from where this user is."""
    return shown(CHECKOUT / "scripts" / name)


def _program() -> str:
    own = Path(sys.executable).parent / PROGRAM
    found = shutil.which(PROGRAM)
    if not own.exists() or (found and os.path.realpath(found) == os.path.realpath(own)):
        return PROGRAM
    return shown(own)


def shown(path: Path) -> str:
    """A path as this user types it from where they are."""
    try:
        return shlex.quote(str(path.relative_to(Path.cwd())))
    except (ValueError, OSError):  # elsewhere, or this folder was deleted
        return shlex.quote(str(path))
