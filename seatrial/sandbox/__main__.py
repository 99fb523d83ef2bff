"""`python3 -m seatrial.sandbox CHILDREN WHERE [networked]`: frames on stdin and stdout until stdin ends.

WHERE is `gvisor`, where the first process may mount; `container`, where it may not; or one of two words for the process
runtime, which gives no guarantees: `host-uids` uses uids that no other sandbox on this host has, `same-uid` uses none.
All but the last require root. `networked`: policies may connect to what the container's network reaches; the first frame on stdin
says how. $TMPDIR is emptied at the end.
"""

import gc
import importlib
import os
import resource
import shutil
import sys

from seatrial.sandbox import barrier, calls, limits, network
from seatrial.sandbox.child import MAX_FILES
from seatrial.sandbox.quarters import Quarters, close_shared, furnish, hide_processes
from seatrial.sandbox.warden import Pipes, Warden

# What policies import most: loaded once, before the children are forked.
PRELOADED = (
    "ast base64 collections configparser csv dataclasses datetime difflib fnmatch functools hashlib html io itertools json "
    "math pathlib re shlex string textwrap tomllib typing urllib.parse xml.etree.ElementTree"
)
FIRST_UID = 210_000  # no image assigns such uids
FIRST_HOST_UID = 2_000_000_000  # no host assigns such uids or subordinate uids
UIDS_EACH = 16
ON_A_HOST = ("host-uids", "same-uid")
HIGH_FD = 100  # the host's pipes go here; children close every descriptor above their own


def main() -> int:
    """Move the host's pipes away from descriptors 0 and 1, fork the children, and serve until stdin ends."""
    networked = sys.argv[3:] == ["networked"]
    for name in (f"{PRELOADED} {network.PRELOADED}" if networked else PRELOADED).split():
        importlib.import_module(name)
    pipes = Pipes(read=_move(0, os.O_RDONLY), write=_move(1, os.O_WRONLY))
    there = networked and _settle(pipes, sys.argv[2])
    warden = Warden(pipes, networked=there)
    try:
        furnished = _prepare(int(sys.argv[1]), sys.argv[2], networked=networked)
        gc.collect()
        gc.freeze()
        warden.fork(furnished)
        warden.serve()
    finally:
        warden.close()
        if folder := os.environ.get("TMPDIR"):
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _settle(pipes: Pipes, where: str) -> bool:
    _only_in_a_container(where)
    return where not in ON_A_HOST and network.settle(pipes.read, mounts=where == "gvisor")


def _only_in_a_container(where: str) -> None:
    if where not in ON_A_HOST and os.getpid() != 1:
        sys.exit("a sandbox closes what it runs in, which must be a container of its own")


def _prepare(children: int, where: str, *, networked: bool) -> list[Quarters]:
    """Quarters for the children; in a container, everything else that they could share is closed."""
    _only_in_a_container(where)
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))
    limits.address_space()
    if where == "same-uid":
        return [furnish(None) for _ in range(children)]
    if where == "host-uids":
        first = FIRST_HOST_UID + os.getpid() * UIDS_EACH
        return [furnish(first + child) for child in range(1, children + 1)]
    if not barrier.supported():
        sys.exit(f"policies can only be kept apart on {' and '.join(calls.ARCHITECTURES)}")
    mounts = where == "gvisor"
    furnished = [
        furnish(FIRST_UID + child, mounted=mounts, networked=networked) for child in range(1, children + 1)
    ]
    close_shared()
    if mounts:
        hide_processes()
    return furnished


def _move(fd: int, flags: int) -> int:
    moved = os.dup2(fd, HIGH_FD + fd, inheritable=False)
    nothing = os.open(os.devnull, flags)
    os.dup2(nothing, fd)
    os.close(nothing)
    return moved


if __name__ == "__main__":
    sys.exit(main())
