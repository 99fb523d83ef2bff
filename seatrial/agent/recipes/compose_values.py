"""Reads values that a compose file allows in several spellings."""

import hashlib
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from seatrial.agent.recipes.compose_limits import is_true
from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.vocabulary import quantities
from seatrial.agent.vocabulary.containers import Copy, HealthCheck, Mount, Resources, RestartPolicy

CLOCKS = {"/etc/localtime", "/etc/timezone"}  # often mounted out of habit; neither secret nor needed
Quantity = TypeVar("Quantity", int, float)
RESTARTS = {
    "no": RestartPolicy.NEVER,
    "never": RestartPolicy.NEVER,
    "on-failure": RestartPolicy.ON_FAILURE,
    "always": RestartPolicy.UNLESS_STOPPED,
    "unless-stopped": RestartPolicy.UNLESS_STOPPED,
}


def mapping(value: Any) -> dict[str, Any]:
    """A map, or a list of NAME=value; a bare NAME maps to None."""
    if value is None:
        return {}
    if isinstance(value, list):
        pairs = (str(item).partition("=") for item in value)
        return {name: (text if equals else None) for name, equals, text in pairs}
    return dict(value)


def text(value: Any) -> str:
    """A scalar as the text a program sees."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def words(document: Document, at: Path, value: Any) -> tuple[str, ...] | None:
    """A command: a list as it is, a string split as a shell would; None when it is not there."""
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(text(item) for item in value)
    try:
        return tuple(shlex.split(str(value)))
    except ValueError as error:
        document.fail(at, f"cannot be split into words: {error}", "Close the quote, or write a list")


def ports(document: Document, at: Path, value: Any, *, published: bool) -> list[int]:
    """The TCP ports inside the container, in the file's order."""
    return [
        port
        for index, item in enumerate(value or [])
        for port in _port(document, (*at, index), item, published)
    ]


def _port(document: Document, at: Path, item: Any, published: bool) -> Iterable[int]:
    if isinstance(item, dict):
        item = f"{item.get('target', '')}/{item.get('protocol', 'tcp')}"
    address, _, protocol = str(item).partition("/")
    target = address.rsplit(":", 1)[-1] if published else address
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", target)
    if match is None or not 1 <= int(match[1]) <= 65535:
        document.fail(at, f"{item!r} is not a port", 'Write it like "8080:80" or 80')
    return [] if protocol == "udp" else [int(match[1])]


def mounts(
    document: Document, service: str, value: Any, volumes: set[str], warnings: list[str]
) -> list[Mount | Copy]:
    """Named and anonymous volumes, and copies of what is mounted from the repository. The host's paths are refused."""
    at: Path = ("services", service, "volumes")
    mounts = (
        _mount(document, (*at, i), service, item, volumes, warnings) for i, item in enumerate(value or [])
    )
    return [mount for mount in mounts if mount is not None]


def _mount(
    document: Document, at: Path, service: str, item: Any, volumes: set[str], warnings: list[str]
) -> Mount | Copy | None:
    source, target, read_only, kind = _volume_parts(item)
    if not target.startswith("/"):
        document.fail(at, f"{item!r} is not a volume", "Write name:/path/in/the/container")
    if kind in {"tmpfs", "npipe", "cluster", "image"}:
        warnings.append(document.warning(at, f"ignored: {kind} mounts are not made"))
        return None
    if not source:
        return Mount("", target, read_only)
    if source in CLOCKS:
        warnings.append(document.warning(at, f"ignored: {source} is the host's; set TZ in environment"))
        return None
    if kind == "bind" or source.startswith((".", "/", "~")) or "/" in source:
        refuse_host_path(document, at, source)
        if source.strip("./") == ".git":
            return None
        return Copy(posixpath.normpath(source), target)
    if source not in volumes:
        document.fail(at, f"there is no volume {source}", f"Add {source}: under volumes: at the top level")
    return Mount(source, target, read_only)


def anonymous(service: str, target: str) -> str:
    """The name of a volume that has none in the file but must outlive its container."""
    return f"{service}-{hashlib.sha256(f'{service}{target}'.encode()).hexdigest()[:8]}"


def _volume_parts(item: Any) -> tuple[str, str, bool, str]:
    """(source, target, read only, type)."""
    if isinstance(item, dict):
        kind = str(item.get("type", "volume"))
        return (
            str(item.get("source") or ""),
            str(item.get("target") or ""),
            is_true(item.get("read_only")),
            kind,
        )
    parts = str(item).split(":")
    if len(parts) == 1:
        return "", parts[0], False, "volume"
    return parts[0], parts[1], "ro" in parts[2:3] or "ro" in ",".join(parts[2:]).split(","), "volume"


def refuse_host_path(document: Document, at: Path, source: str) -> None:
    """Raise RecipeError for a path that is not in the repository."""
    if "docker.sock" in source or "containerd.sock" in source or "podman.sock" in source:
        document.fail(at, f"refused: {source} would give the container the host's engine", "Remove it")
    if source.startswith(("/", "~")) or ".." in source.split("/"):
        document.fail(
            at, f"refused: {source} is a path of the host", "Use a named volume, or copy it into the image"
        )


def disabled(value: Any) -> bool:
    """Whether a healthcheck key switches off the image's HEALTHCHECK."""
    return bool(value and (is_true(value.get("disable")) or value.get("test") in ("NONE", ["NONE"])))


def health(document: Document, at: Path, value: Any) -> HealthCheck | None:
    """The check inside the container, with the same patience as compose."""
    if not value or is_true(value.get("disable")) or not value.get("test"):
        return None
    test = value["test"]
    if isinstance(test, str):
        command: Sequence[str] = ("/bin/sh", "-c", test)
    elif not test or test[0] == "NONE":
        return None
    elif test[0] == "CMD-SHELL":
        command = ("/bin/sh", "-c", " ".join(text(part) for part in test[1:]))
    elif test[0] == "CMD":
        command = tuple(text(part) for part in test[1:])
    else:
        document.fail((*at, "test"), f"starts with {test[0]!r}", "Start the list with CMD, CMD-SHELL or NONE")
    durations = {
        key: _read(document, (*at, key), quantities.seconds, value.get(key))
        for key in ("interval", "timeout", "start_period")
    }
    return HealthCheck.inside(
        command,
        interval=durations["interval"] or 30.0,
        timeout=durations["timeout"] or 0.0,
        retries=_retries(document, (*at, "retries"), value.get("retries")),
        start_period=durations["start_period"] or 0.0,
    )


def _retries(document: Document, at: Path, value: Any) -> int:
    match = re.fullmatch(r"\d{1,4}", text(value))
    if value is not None and match is None:
        document.fail(at, f"{value!r} is not a number of attempts", "Write it like 3")
    return int(match[0]) if match else 3


def _read(document: Document, at: Path, reading: Callable[[object], Quantity], value: Any) -> Quantity | None:
    """`value` as `reading` reads it; None stays None."""
    try:
        return None if value is None else reading(value)
    except ValueError as error:
        problem, _, fix = str(error).partition(". ")
        document.fail(at, problem, fix)


def resources(document: Document, at: Path, keys: dict[str, Any], defaults: Resources) -> Resources | None:
    """mem_limit and cpus, or deploy.resources.limits; None when nothing is said."""
    limits = ((keys.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    below = (*at, "deploy", "resources", "limits")
    memory = _read(document, (*at, "mem_limit"), quantities.megabytes, keys.get("mem_limit") or None)
    memory = memory or _read(document, (*below, "memory"), quantities.megabytes, limits.get("memory"))
    cpus = _read(document, (*at, "cpus"), quantities.cpus, keys.get("cpus") or None)
    cpus = cpus or _read(document, (*below, "cpus"), quantities.cpus, limits.get("cpus"))
    if memory is None and cpus is None:
        return None
    return Resources(cpus or defaults.cpus, memory or defaults.memory_mb, defaults.pids)


def restart(document: Document, at: Path, value: Any) -> RestartPolicy | None:
    """One of our three policies; None when the file does not say."""
    if value is None:
        return None
    name = "no" if value is False else str(value).partition(":")[0]
    if name not in RESTARTS:
        document.fail(
            at, f"{value!r} is not a restart policy", 'Use "no", always, on-failure or unless-stopped'
        )
    return RESTARTS[name]
