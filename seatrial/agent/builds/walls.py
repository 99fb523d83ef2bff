"""What buildah is told about the walls around a step: its isolation, its network, its rights."""

from collections.abc import Sequence

from seatrial.agent.builds import trust
from seatrial.agent.builds.cell import NOTHING, Cell
from seatrial.agent.builds.uplink import NAME_SERVER
from seatrial.agent.commands.programs import find
from seatrial.agent.vocabulary.build_isolation import BuildIsolation

CGROUPS = "/sys/fs/cgroup"  # hidden from steps: the host's, with the names and counters of its containers
# Without a user namespace, a step could leave its folder with the first, and do to its host what the others permit.
TAKEN = (
    "SYS_CHROOT",
    "MKNOD",
    "NET_RAW",
    "NET_BIND_SERVICE",
    "AUDIT_WRITE",
    "SETPCAP",
)


def walls(cell: Cell, network: str, *, trusting: bool) -> Sequence[str]:
    """Options of `buildah bud`. `network`: none or isolated; `trusting`: steps trust the authorities among the tools."""
    if cell.isolation is BuildIsolation.CHROOT:  # the cell has the network, if there is one
        taken = [option for right in TAKEN for option in ("--cap-drop", f"CAP_{right}")]
        return ["--isolation", "chroot", "--network", "host", *taken]
    options = ["--isolation", "rootless", "--runtime", find("runc") or "runc"]
    options += ["--volume", f"{cell.folder('tools', NOTHING)}:{CGROUPS}:ro"]
    if trusting:
        options += trust.arguments(cell.folder("tools"))
    if network == "none" or find("slirp4netns") is None:
        return [*options, "--network", "none"]
    return [*options, "--dns", NAME_SERVER]
