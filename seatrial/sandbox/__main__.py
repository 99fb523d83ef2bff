"""`python3 -m seatrial.sandbox CHILDREN [same-uid]`: frames on stdin and stdout until stdin ends.

Each child gets a uid of its own, which takes root; `same-uid` is for the process runtime, which promises nothing.
"""

import gc
import importlib
import os
import sys

from seatrial.sandbox.warden import Pipes, Warden

# What policies import most: loaded once, before the children are forked.
PRELOADED = (
    "ast base64 collections configparser csv dataclasses datetime difflib fnmatch functools hashlib html io itertools json "
    "math pathlib re shlex string textwrap tomllib typing urllib.parse xml.etree.ElementTree"
)
HIGH_FD = 100  # children close everything above their own


def main() -> int:
    """Move the host's pipes away from 0 and 1, fork, serve."""
    for name in PRELOADED.split():
        importlib.import_module(name)
    pipes = Pipes(read=_move(0, os.O_RDONLY), write=_move(1, os.O_WRONLY))
    warden = Warden(pipes, own_uids=sys.argv[2:] != ["same-uid"])
    gc.collect()
    gc.freeze()
    warden.fork(int(sys.argv[1]))
    warden.serve()
    return 0


def _move(fd: int, flags: int) -> int:
    moved = os.dup2(fd, HIGH_FD + fd, inheritable=False)
    nothing = os.open(os.devnull, flags)
    os.dup2(nothing, fd)
    os.close(nothing)
    return moved


if __name__ == "__main__":
    sys.exit(main())
