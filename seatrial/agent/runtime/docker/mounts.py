"""Where the mounts of a container really lie: symbolic links can lead them into the kernel's folders.

An image has such links, and what runs in a container can make them: it can put a link in the place of every folder above a
mount, and a neighbour in a volume that it may write to. The runtime follows them at each start.
"""

import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from seatrial.agent.vocabulary.mount_targets import KERNEL_FOLDERS, refused_mount_target

Link = Callable[[str], Awaitable[str | None]]  # where a symbolic link leads to; None if it is none


async def refused_mount(targets: Iterable[str], link: Link, shared: Iterable[str] = ()) -> str | None:
    """Why a container with these mounts must not run, in one sentence; None if it may.

    Refused are mounts that lie in a folder of the kernel, and every mount if the image puts something else in the place of
    such a folder, because the mount could then lie there. `shared` are those of the mounts that others may change meanwhile:
    nothing may lie in them, because it could lie somewhere else a moment later.
    """
    mounts = list(targets)
    for folder in KERNEL_FOLDERS if mounts else ():
        if target := await link(folder):
            return f"the image's {folder} is a symbolic link to {target}. Make it a folder"
    changing = {await real_path(path, link) for path in shared}
    for path in mounts:
        passed = [place async for place in places(path, link)]
        if outer := changing.intersection(passed[:-1]):
            return (
                f"a volume at {path} is inside the volume at {min(outer)}, which another container writes to. "
                "Mount it beside that one"
            )
        if why := refused_mount_target(passed[-1]):
            shown = path if passed[-1] == path else f"{path}, which is {passed[-1]} in the image,"
            return f"a volume at {shown} {why}"
    return None


async def may_move(targets: Iterable[str], link: Link) -> bool:
    """Whether what runs in the container can lead one of the mounts elsewhere before the next start.

    It cannot replace a folder while something is mounted there, and there is no folder above one of the root.
    """
    for path in targets:
        if len(_folders(path)) > 1 or await link(path):
            return True
    return False


async def real_path(path: str, link: Link) -> str:
    """`path` with every symbolic link followed, as the runtime will."""
    return [place async for place in places(path, link)][-1]


async def places(path: str, link: Link) -> AsyncIterator[str]:
    """The folders on the way to `path`, and `path` itself, each with every symbolic link followed."""
    real = "/"
    for part in _folders(path):
        here = posixpath.join(real, part)
        real = await link(here) or here
        yield real


def _folders(path: str) -> list[str]:
    return posixpath.normpath(f"/{path.lstrip('/')}").split("/")[1:]
