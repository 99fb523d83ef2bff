"""Checks whether an engine can run on this machine at all, before anything is installed."""

import os
import shutil
import subprocess
from pathlib import Path

CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21
WHOLE_RANGE = 4294967295


def obstacle() -> str | None:
    """Why dockerd cannot run here as this user (who should be root), or None."""
    if os.geteuid() != 0:
        return "not root, and sudo does not work without a password here"
    if not _owns_all_users(Path("/proc/self/uid_map").read_text()):
        return "this is a user namespace (an unprivileged container): dockerd needs real root"
    capabilities = _effective_capabilities(Path("/proc/self/status").read_text())
    for bit, name in ((CAP_SYS_ADMIN, "CAP_SYS_ADMIN"), (CAP_NET_ADMIN, "CAP_NET_ADMIN")):
        if not capabilities >> bit & 1:
            return f"this is a container without {name}: dockerd can neither mount nor make networks"
    for option, what in (("-m", "mount"), ("-n", "network")):
        if not _succeeds("unshare", option, "true"):
            return f"this machine does not allow a new {what} namespace"
    if not os.access("/sys/fs/cgroup", os.W_OK):
        return "/sys/fs/cgroup is read-only: containers could not be limited"
    return None


def obstacle_after_install() -> str | None:
    """An obstacle that only the installed iptables reveals, or None."""
    if shutil.which("iptables") and not _succeeds("iptables", "-w", "2", "-t", "nat", "-L", "-n"):
        return "iptables cannot be used here: dockerd needs it for its networks"
    return None


def _owns_all_users(uid_map: str) -> bool:
    return any(int(line.split()[2]) >= WHOLE_RANGE for line in uid_map.splitlines() if line.strip())


def _effective_capabilities(status: str) -> int:
    line = next((line for line in status.splitlines() if line.startswith("CapEff:")), "CapEff: 0")
    return int(line.split()[1], 16)


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
