"""What keeps the steps of buildah apart from their host: a user namespace, or, where the operator chose it, no more than a folder.

Nothing falls back by itself: on a kernel without user namespaces a build is refused, until somebody sets GALLEY_BUILD_ISOLATION.
"""

import os
from pathlib import Path

from seatrial.agent.vocabulary.build_isolation import BuildIsolation

MOST = Path("/proc/sys/user/max_user_namespaces")
SETTING = "GALLEY_BUILD_ISOLATION"


LACKS = (
    f"{SETTING}=chroot: steps of builds run as root of this host, without a user namespace, with no limit on processes. What is around them is the "
    "builder's cell. Give it only projects whose people may run previews here"
)
NEEDS_ROOT = f"{SETTING}=chroot needs an agent that runs as root: only root makes a cell without a user namespace. Run the agent as root, or unset it"
NO_NAMESPACES = (
    "user.max_user_namespaces is 0, so no user namespace keeps a build's steps from their host, and nothing is built or pulled. Switch them on "
    f"(sudo sysctl -w user.max_user_namespaces=15000), or choose to build with fewer walls: {SETTING}=chroot, of which docs/builders.md says what it lacks"
)
NO_AUTHORITIES = f"{SETTING}=chroot: steps do not trust the authorities of GALLEY_BUILD_CA_FILE; an image that needs them brings them itself"


def refused(isolation: BuildIsolation, most: Path = MOST) -> str:
    """Why nothing is built with `isolation` on this host, with the fix; empty if it can be."""
    if isolation is BuildIsolation.CHROOT:
        return "" if os.geteuid() == 0 else NEEDS_ROOT
    return NO_NAMESPACES if none_allowed(most) else ""


def none_allowed(most: Path = MOST) -> bool:
    """Whether this kernel makes no user namespace at all."""
    try:
        return int(most.read_text()) == 0
    except (OSError, ValueError):
        return False


def lacking(isolation: BuildIsolation, *, authorities: bool) -> list[str]:
    """What builds with `isolation` lack, for people who run this host. `authorities`: steps should trust an organisation's own."""
    if isolation is BuildIsolation.USERNS:
        return []
    return [LACKS, *([NO_AUTHORITIES] if authorities else [])]
