"""`python3 -m seatrial.sandbox CHILDREN [host-uids | same-uid]`: frames on stdin and stdout until stdin ends.

Each child gets a uid of its own, which requires root. The last two options are for the process runtime, which gives no
guarantees: `host-uids` uses uids that no other sandbox on this host has, `same-uid` uses none. $TMPDIR is emptied at the end.
"""

import gc
import importlib
import os
import shutil
import sys

from seatrial.sandbox.warden import Pipes, Warden

# What policies import most: loaded once, before the children are forked.
PRELOADED = (
    "ast base64 collections configparser csv dataclasses datetime difflib fnmatch functools hashlib html io itertools json "
    "math pathlib re shlex string textwrap tomllib typing urllib.parse xml.etree.ElementTree"
)
FIRST_UID = 210_000  # no image assigns such uids
FIRST_HOST_UID = 2_000_000_000  # no host assigns such uids or subordinate uids
UIDS_EACH = 16
HIGH_FD = 100  # the host's pipes go here; children close every descriptor above their own


def main() -> int:
    """Move the host's pipes away from descriptors 0 and 1, fork the children, and serve until stdin ends."""
    for name in PRELOADED.split():
        importlib.import_module(name)
    pipes = Pipes(read=_move(0, os.O_RDONLY), write=_move(1, os.O_WRONLY))
    warden = Warden(pipes, first_uid=_first_uid(*sys.argv[2:]))
    gc.collect()
    gc.freeze()
    try:
        warden.fork(int(sys.argv[1]))
        warden.serve()
    finally:
        warden.close()
        if folder := os.environ.get("TMPDIR"):
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _first_uid(uids: str = "") -> int | None:
    if uids == "same-uid":
        return None
    return FIRST_HOST_UID + os.getpid() * UIDS_EACH if uids == "host-uids" else FIRST_UID


def _move(fd: int, flags: int) -> int:
    moved = os.dup2(fd, HIGH_FD + fd, inheritable=False)
    nothing = os.open(os.devnull, flags)
    os.dup2(nothing, fd)
    os.close(nothing)
    return moved


if __name__ == "__main__":
    sys.exit(main())
