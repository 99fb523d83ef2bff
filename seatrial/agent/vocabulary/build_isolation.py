"""What keeps the steps of builds with buildah apart from their host."""

from enum import StrEnum


class BuildIsolation(StrEnum):
    """`userns`: root of a step is nobody outside. `chroot`: root of a step is root of the host, with few rights, in the cell."""

    USERNS = "userns"
    CHROOT = "chroot"
