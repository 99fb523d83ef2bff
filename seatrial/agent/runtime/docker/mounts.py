"""Where the mounts of a container really lie: an image's symbolic links can lead them into the kernel's folders."""

import posixpath
from collections.abc import Awaitable, Callable, Iterable

from seatrial.agent.vocabulary.mount_targets import KERNEL_FOLDERS, refused_mount_target

Link = Callable[[str], Awaitable[str | None]]  # where a symbolic link leads to; None if it is none


async def refused_mount(targets: Iterable[str], link: Link) -> str | None:
    """Why a container with these mounts must not run, in one sentence; None if it may.

    Refused are mounts that lie in a folder of the kernel, and every mount if the image puts something else in the place of
    such a folder, because the mount could then lie there.
    """
    mounts = list(targets)
    for folder in KERNEL_FOLDERS if mounts else ():
        if target := await link(folder):
            return f"the image's {folder} is a symbolic link to {target}. Make it a folder"
    for path in mounts:
        real = await real_path(path, link)
        if why := refused_mount_target(real):
            shown = path if real == path else f"{path}, which is {real} in the image,"
            return f"a volume at {shown} {why}"
    return None


async def real_path(path: str, link: Link) -> str:
    """`path` with every symbolic link followed, as the runtime will."""
    real = "/"
    for part in posixpath.normpath(f"/{path.lstrip('/')}").split("/")[1:]:
        here = posixpath.join(real, part)
        real = await link(here) or here
    return real
