"""Where nothing may be mounted into a container, whoever asks: a recipe, an image, a committed file."""

import posixpath
from dataclasses import dataclass

KERNEL_FOLDERS = ("/dev", "/proc", "/sys")


@dataclass(frozen=True)
class RefusedTarget:
    """Why nothing may be mounted somewhere, as the end of a sentence, and what to do. As a text, both."""

    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.problem}. {self.fix}"


def refused_mount_target(path: str) -> RefusedTarget | None:
    """Why nothing may be mounted at `path`; None if something may.

    The runtime puts its own files at and below these folders, and trusts what it finds there: with a volume at `/dev`, a
    container chooses what hides the host's settings in `/proc` (CVE-2025-31133). `path` is read as the engine does: from `/` on,
    without `..` and doubled slashes. Symbolic links of an image are followed elsewhere, where its files are known.
    """
    target = _plain(path)
    if target == "/":
        return RefusedTarget("is the whole file system", "Choose a folder below it, such as /data")
    kernel = next((f for f in KERNEL_FOLDERS if target == f or target.startswith(f"{f}/")), None)
    if kernel is None:
        return None
    return RefusedTarget(
        f"is in {kernel}, which belongs to the kernel", "Choose another folder, such as /data"
    )


def is_inside(path: str, folder: str) -> bool:
    """Whether `path` is below `folder`, and not the folder itself."""
    return _plain(path).startswith(f"{_plain(folder)}/")


def _plain(path: str) -> str:
    return posixpath.normpath(f"/{path.lstrip('/')}")
