"""Finds programs of the host."""

import shutil

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find(program: str) -> str | None:
    """The path of `program`, also searching the folders that only root has in its path."""
    return shutil.which(program, path=SEARCH_PATH)
