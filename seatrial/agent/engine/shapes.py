"""Converts between our dataclasses and the Engine API's JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from seatrial.agent.vocabulary.containers import (
    Container,
    ContainerSpec,
    ContainerState,
    HealthCheck,
    RestartPolicy,
)
from seatrial.agent.vocabulary.options import WITHHELD_CAPABILITIES, Options, Tmpfs
from seatrial.wire.states import Isolation

_RESTART = {RestartPolicy.NEVER: "no"}
THREADS_OF_GVISOR = 4  # on the host, for each of its processes, beside dozens of its own: all of them count
GVISOR = "runsc"  # the name of gVisor's runtime in the engine
GVISOR_FOR_PREVIEWS = (
    "runsc-previews"  # the same, in the network of its container, where names of siblings resolve
)
_JOINED = "container:"  # the mode of a network that belongs to another container
_STATES = {"removing": ContainerState.DEAD}


def label_filter(labels: Mapping[str, str]) -> dict[str, list[str]]:
    """The Engine API's filter for objects carrying every one of `labels`."""
    return {"label": [f"{key}={value}" for key, value in labels.items()]}


def container_config(spec: ContainerSpec) -> dict[str, Any]:
    """The body of POST /containers/create for `spec`, joined to its first network."""
    config: dict[str, Any] = {
        "Image": spec.image,
        "Labels": dict(spec.labels),
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "HostConfig": _host_config(spec),
    }
    first = next(iter(spec.networks), None)
    if first is not None:
        config["NetworkingConfig"] = {"EndpointsConfig": {first: {"Aliases": list(spec.networks[first])}}}
    options = spec.options
    optional = {
        "Cmd": list(spec.command) if spec.command is not None else None,
        "Entrypoint": list(spec.entrypoint) if spec.entrypoint is not None else None,
        "WorkingDir": spec.working_dir,
        "User": spec.user,
        "OpenStdin": options.stdin_open or None,
        "Tty": options.tty or None,
        "Hostname": None if spec.network_of else options.hostname,  # a shared network has one name already
        "StopSignal": options.stop_signal,
        "StopTimeout": round(options.stop_seconds) if options.stop_seconds is not None else None,
    }
    return config | {key: value for key, value in optional.items() if value is not None}


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    memory, options = spec.resources.memory_mb * 1024**2, spec.options
    config: dict[str, Any] = {
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": int(spec.resources.cpus * 1_000_000_000),
        "PidsLimit": spec.resources.pids * (THREADS_OF_GVISOR if spec.isolation is Isolation.GVISOR else 1),
        "SecurityOpt": ["no-new-privileges"],
        "CapDrop": [*WITHHELD_CAPABILITIES, *sorted(options.without_capabilities)],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}},
        "RestartPolicy": {"Name": _RESTART.get(spec.restart, spec.restart.value)},
        "NetworkMode": f"{_JOINED}{spec.network_of}"
        if spec.network_of
        else next(iter(spec.networks), "none"),
        "Mounts": [
            {"Type": "volume", "Target": mount.path, "ReadOnly": mount.read_only}
            | ({"Source": mount.volume} if mount.volume else {})
            for mount in spec.mounts
        ],
    }
    if spec.isolation is Isolation.GVISOR:
        config["Runtime"] = GVISOR_FOR_PREVIEWS
    if options.extra_hosts and not spec.network_of:  # a shared network has one table of hosts already
        config["ExtraHosts"] = [f"{name}:{ip}" for name, ips in options.extra_hosts.items() for ip in ips]
    return config | _asked_for(options, spec.resources.memory_mb)


def _asked_for(options: Options, memory_mb: int) -> dict[str, Any]:
    """The part of the host's configuration that is only there if the recipe asks for it."""
    optional = {
        "Init": options.init,
        "ReadonlyRootfs": options.read_only,
        "Tmpfs": {tmpfs.path: _tmpfs(tmpfs, memory_mb) for tmpfs in options.tmpfs},
        "ShmSize": options.shm_size_mb and min(options.shm_size_mb, memory_mb) * 1024**2,
        "Sysctls": dict(options.sysctls),
        "Ulimits": [
            {"Name": name, "Soft": soft, "Hard": hard} for name, (soft, hard) in options.ulimits.items()
        ],
    }
    return {key: value for key, value in optional.items() if value}


def _tmpfs(tmpfs: Tmpfs, memory_mb: int) -> str:
    size = min(tmpfs.size_mb or memory_mb, memory_mb)
    runs = "exec" if tmpfs.executable else "noexec"
    return f"rw,nosuid,nodev,{runs},size={size}m,mode={tmpfs.mode:o},uid={tmpfs.uid},gid={tmpfs.gid}"


def container_from(shown: Mapping[str, Any]) -> Container:
    """A container from the answer of GET /containers/<id>/json."""
    state = shown["State"]
    networks = shown["NetworkSettings"]["Networks"] or {}
    status = str(state["Status"])
    now = _STATES.get(status) or ContainerState(status)
    mode = str(shown["HostConfig"]["NetworkMode"])
    return Container(
        name=str(shown["Name"]).lstrip("/"),
        labels=shown["Config"]["Labels"] or {},
        state=now,
        exit_code=state["ExitCode"] if now.over or now is ContainerState.RESTARTING else None,
        addresses={name: network.get("IPAddress") or "" for name, network in networks.items()},
        image=shown["Config"]["Image"],
        started_at=timestamp(state["StartedAt"]),
        oom_killed=bool(state["OOMKilled"]),
        restarts=int(shown["RestartCount"]),
        network_of=mode.removeprefix(_JOINED) if mode.startswith(_JOINED) else None,
        stop_seconds=shown["Config"].get("StopTimeout"),
        user=str(shown["Config"].get("User") or ""),
        stays_down=shown["HostConfig"]["RestartPolicy"]["Name"] in {"", "no"},
    )


def check_from(config: Mapping[str, Any]) -> HealthCheck | None:
    """A HEALTHCHECK as the engine keeps it: durations in nanoseconds, 0 means the engine's default."""
    kind, *words = config.get("Test") or ["NONE"]
    if kind not in {"CMD", "CMD-SHELL"}:
        return None
    return HealthCheck.inside(
        words if kind == "CMD" else ["/bin/sh", "-c", " ".join(words)],
        interval=(config.get("Interval") or 30e9) / 1e9,
        timeout=(config.get("Timeout") or 30e9) / 1e9,
        retries=config.get("Retries") or 3,
        start_period=(config.get("StartPeriod") or 0) / 1e9,
    )


def timestamp(text: str) -> datetime | None:
    """Docker's nanosecond timestamps; None for its zero time."""
    if text.startswith("0001-"):
        return None
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")
