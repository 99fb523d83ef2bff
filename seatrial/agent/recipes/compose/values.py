"""Values of a service as Compose prints them, in the form a recipe has."""

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from seatrial.agent.recipes.compose.cell import PROJECT
from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.vocabulary import quantities
from seatrial.agent.vocabulary.containers import HealthCheck, Resources, RestartPolicy
from seatrial.agent.vocabulary.unfit import Unfit

Quantity = TypeVar("Quantity", int, float)
MOST_PORTS = 100  # of one range
RESTARTS = {
    "no": RestartPolicy.NEVER,
    "none": RestartPolicy.NEVER,
    "never": RestartPolicy.NEVER,
    "on-failure": RestartPolicy.ON_FAILURE,
    "any": RestartPolicy.UNLESS_STOPPED,
    "always": RestartPolicy.UNLESS_STOPPED,
    "unless-stopped": RestartPolicy.UNLESS_STOPPED,
}


def in_repository(path: str) -> str | None:
    """A path as Compose prints it, relative to the repository's root; None if it is not in the repository."""
    clean = posixpath.normpath(path)
    if clean == PROJECT:
        return "."
    return clean.removeprefix(f"{PROJECT}/") if clean.startswith(f"{PROJECT}/") else None


def words(value: Any) -> tuple[str, ...] | None:
    """A command; None when it is not there."""
    return None if value is None else tuple(str(item) for item in value)


def published(document: Document, at: Path, entries: Iterable[Mapping[str, Any]]) -> list[int]:
    """The TCP ports inside the container, in the file's order."""
    spoken = [entry for entry in entries if entry.get("protocol") in {None, "tcp"}]
    return list(dict.fromkeys(port(document, at, entry.get("target")) for entry in spoken))


def exposed(document: Document, at: Path, entries: Iterable[str]) -> list[int]:
    """The same of `expose`, whose entries are texts like `80`, `3000-3005` and `53/udp`."""
    parts = [str(entry).partition("/") for entry in entries]
    numbers = [number.partition("-") for number, _, protocol in parts if protocol in {"", "tcp"}]
    ranges = [(port(document, at, first), port(document, at, last or first)) for first, _, last in numbers]
    return [number for first, last in ranges for number in range(first, last + 1)[:MOST_PORTS]]


def port(document: Document, at: Path, value: Any) -> int:
    """A port's number."""
    if re.fullmatch(r"\d{1,5}", str(value)) is None or not 1 <= int(value) <= 65535:
        document.fail(at, f"{value!r} is not a port", 'Write it like "8080:80" or 80')
    return int(value)


def anonymous(service: str, target: str) -> str:
    """The name of a volume that has none in the file but must outlive its container."""
    return f"{service}-{hashlib.sha256(f'{service}{target}'.encode()).hexdigest()[:8]}"


def disabled(value: Any) -> bool:
    """Whether a healthcheck switches off the image's own."""
    return bool(
        value
        and (value.get("disable") or "NONE" in (value.get("test") or [])[:1] + (value.get("test") or [])[1:2])
    )


def health(document: Document, at: Path, value: Any) -> HealthCheck | None:
    """The check inside the container, with the same patience as compose."""
    if not value or disabled(value) or not value.get("test"):
        return None
    how, *test = value["test"]
    if how not in {"CMD", "CMD-SHELL"}:
        document.fail((*at, "test"), f"starts with {how!r}", "Start the list with CMD, CMD-SHELL or NONE")
    durations = {
        key: read(document, (*at, key), quantities.seconds, value.get(key))
        for key in ("interval", "timeout", "start_period")
    }
    retries = value.get("retries")
    return HealthCheck.inside(
        ("/bin/sh", "-c", " ".join(test)) if how == "CMD-SHELL" else tuple(test),
        interval=durations["interval"] or 30.0,
        timeout=durations["timeout"] or 0.0,
        retries=3 if retries is None else min(int(retries), 9999),
        start_period=durations["start_period"] or 0.0,
    )


def read(document: Document, at: Path, reading: Callable[[object], Quantity], value: Any) -> Quantity | None:
    """`value` as `reading` reads it; None stays None."""
    try:
        return None if value is None else reading(value)
    except Unfit as error:
        document.fail(at, error.problem, error.fix)


def limit(document: Document, at: Path, reading: Callable[[object], Quantity], value: Any) -> Quantity | None:
    """The same for a limit, of which 0 means none."""
    return read(document, at, reading, None if str(value) in {"0", "0.0", "-1", ""} else value)


def resources(document: Document, at: Path, keys: dict[str, Any], defaults: Resources) -> Resources | None:
    """mem_limit and cpus, or deploy.resources.limits; None when nothing is said."""
    limits = ((keys.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    below = (*at, "deploy", "resources", "limits")
    memory = limit(document, (*at, "mem_limit"), quantities.megabytes, keys.get("mem_limit"))
    memory = memory or limit(document, (*below, "memory"), quantities.megabytes, limits.get("memory"))
    cpus = limit(document, (*at, "cpus"), quantities.cpus, keys.get("cpus"))
    cpus = cpus or limit(document, (*below, "cpus"), quantities.cpus, limits.get("cpus"))
    if memory is None and cpus is None:
        return None
    return Resources(cpus or defaults.cpus, memory or defaults.memory_mb, defaults.pids)


def restart(document: Document, at: Path, keys: dict[str, Any]) -> RestartPolicy | None:
    """One of our three policies; None when the file does not say."""
    wanted = ((keys.get("deploy") or {}).get("restart_policy") or {}).get("condition")
    value = keys.get("restart") or wanted
    if value is None:
        return None
    name = str(value).partition(":")[0]
    if name not in RESTARTS:
        document.fail(
            (*at, "restart"),
            f"{value!r} is not a restart policy",
            'Use "no", always, on-failure or unless-stopped',
        )
    return RESTARTS[name]
