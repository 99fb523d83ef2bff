"""What a container is given beside its program and its limits, and which of it is harmless to a shared host."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

# Rights that every container here has, and those of the engine's defaults that none has.
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
    "SYS_CHROOT",
)  # fmt: skip
WITHHELD_CAPABILITIES = ("AUDIT_WRITE", "MKNOD", "NET_RAW")

# Kernel settings of which a container has its own, and which cost its host nothing.
SYSCTLS = frozenset(
    {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shm_rmid_forced", "kernel.shmall",
        "kernel.shmmax", "kernel.shmmni", "net.core.somaxconn", "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fastopen", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_max_syn_backlog",
        "net.ipv4.tcp_mtu_probing", "net.ipv4.tcp_retries1", "net.ipv4.tcp_retries2",
        "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_syn_retries", "net.ipv4.tcp_synack_retries",
        "net.ipv4.tcp_syncookies", "net.ipv4.tcp_tw_reuse", "net.ipv6.conf.all.disable_ipv6",
        "net.ipv6.conf.default.disable_ipv6", "net.ipv6.conf.lo.disable_ipv6",
    }
)  # fmt: skip
# Of rtprio and nice a container gets none: they let it push its neighbours off the processor.
ULIMITS = frozenset(
    {"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nofile", "nproc", "rss", "sigpending", "stack"}
)  # fmt: skip
MOST_OPEN_FILES = 1_048_576
LONGEST_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Tmpfs:
    """A file system in memory, which counts as the container's own. It begins empty at every start."""

    path: str
    size_mb: int | None = None  # None, or more: all of the container's memory
    mode: int = 0o1777
    uid: int = 0
    gid: int = 0
    executable: bool = False


@dataclass(frozen=True)
class Options:
    """Everything is off, as with the engine. A recipe's reader puts nothing here that is not in the lists above."""

    stdin_open: bool = False  # its standard input stays open, and never brings anything
    tty: bool = False
    hostname: str | None = None  # its own name for itself; siblings reach it by the names of the service
    init: bool = False  # a first process that reaps those nobody waits for
    read_only: bool = False
    tmpfs: Sequence[Tmpfs] = ()
    shm_size_mb: int | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)
    without_capabilities: frozenset[str] = frozenset()  # of CAPABILITIES
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # soft, hard; -1: none
    extra_hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # {name: its addresses}
    stop_signal: str | None = None
    stop_seconds: float | None = None  # how long it has to end; None: the agent's usual time


def without_capabilities(drop: Collection[str], add: Collection[str]) -> frozenset[str]:
    """Of CAPABILITIES, those that are gone after `drop`, in which ALL may stand, and not back by `add`."""
    dropped, added = {_plain(name) for name in drop}, {_plain(name) for name in add}
    return frozenset(
        name for name in CAPABILITIES if (name in dropped or "ALL" in dropped) and name not in added
    )


def foreign_capabilities(add: Collection[str]) -> list[str]:
    """Of `add`, those that no container here has."""
    return [name for name in add if _plain(name) not in CAPABILITIES]


def _plain(name: str) -> str:
    return name.upper().removeprefix("CAP_")
