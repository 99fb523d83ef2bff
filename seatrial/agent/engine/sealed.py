"""Containers for untrusted code: stdin, stdout and stderr are the only way in or out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.agent.engine.shapes import GVISOR

TMP = "rw,noexec,nosuid,nodev,size={megabytes}m,mode=1777"
RIGHTS = ["CHOWN", "KILL", "SETGID", "SETUID"]  # with which the first process sets its children apart


@dataclass(frozen=True)
class SealedSpec:
    """One container without mounts and writable root, and with almost no capabilities.

    It has no network unless one is named; then `hardware_address` is its address on the wires, if it is to have a certain one, and
    `resolvers` are asked by the engine's own resolver, which gVisor cannot use. It ends when its stdin is closed (the attached process detaches or dies), and removes
    itself. `sets_apart`: its first process gives each of its children a user of its own. `entrypoint` replaces the image's.
    """

    name: str
    image: str
    command: list[str]
    labels: Mapping[str, str]
    memory_bytes: int
    cpus: float
    pids: int
    gvisor: bool
    network: str = "none"
    hardware_address: str = ""
    resolvers: Sequence[str] = ()
    sets_apart: bool = True
    entrypoint: Sequence[str] | None = None
    user: str = "0:0"  # root of the sandbox: its first process gives each child a uid of its own
    scratch_mb: int = 64  # of /tmp, in memory


def sealed_config(spec: SealedSpec) -> dict[str, Any]:
    """The body of POST /containers/create for `spec`."""
    config: dict[str, Any] = {
        "Image": spec.image,
        "Cmd": spec.command,
        "User": spec.user,
        "Labels": dict(spec.labels),
        "OpenStdin": True,
        "StdinOnce": True,  # if the agent dies, stdin closes and the sandbox ends by itself
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": {
            "Runtime": GVISOR if spec.gvisor else "",
            "AutoRemove": True,
            "NetworkMode": spec.network,
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": TMP.format(megabytes=spec.scratch_mb)},  # noqa: S108 - the sandbox's own, in memory
            "CapDrop": ["ALL"],
            "CapAdd": _rights(spec),
            "SecurityOpt": ["no-new-privileges"],
            "Memory": spec.memory_bytes,
            "MemorySwap": spec.memory_bytes,
            "NanoCpus": int(spec.cpus * 1e9),
            "PidsLimit": spec.pids,
            "LogConfig": {"Type": "none"},
            "IpcMode": "" if spec.gvisor else "none",
            "Dns": list(spec.resolvers),
        },
    }
    if spec.hardware_address:  # engines know it by the one or by the other
        place = {spec.network: {"MacAddress": spec.hardware_address}}
        config |= {"MacAddress": spec.hardware_address, "NetworkingConfig": {"EndpointsConfig": place}}
    return config if spec.entrypoint is None else config | {"Entrypoint": list(spec.entrypoint)}


def _rights(spec: SealedSpec) -> list[str]:
    """Under gVisor the first process may mount too: that right ends at gVisor's own kernel."""
    if not spec.sets_apart:
        return []
    return [*RIGHTS, "SYS_ADMIN"] if spec.gvisor else RIGHTS
