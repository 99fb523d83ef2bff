"""The user that services run as: `nobody` if we are root, to limit the damage of mistakes. This is not isolation."""

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

NOBODY = "nobody"


def unprivileged(folder: Path) -> list[str]:
    """The prefix that drops root's rights; empty when we are not root, or when nobody could not reach `folder`."""
    if os.geteuid() != 0 or not reachable(folder):
        return []
    return [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "--reuid",
        NOBODY,
        "--regid",
        str(pwd.getpwnam(NOBODY).pw_gid),
        "--clear-groups",
        "--no-new-privs",
        "--",
    ]


def reachable(folder: Path) -> bool:
    """Whether anybody may pass through every folder above."""
    return all(parent.stat().st_mode & 0o001 for parent in [folder, *folder.parents])


def give(folders: Sequence[Path]) -> None:
    """Create the folders, owned by the user that services run as."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam(NOBODY)
            os.chown(folder, user.pw_uid, user.pw_gid)
