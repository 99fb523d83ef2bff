"""Holds what we read of a service against what Compose says of it: each of its keys is read as Compose has it, or we say that it
is not, or the documentation says that it means nothing here.

Compose's model is read here in the shortest way, by nothing of what the product reads it with.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from seatrial.agent.recipes.compose.limits import SILENT
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.vocabulary.options import CAPABILITIES

PROJECT = "/repository"
Model = Mapping[str, Any]
PLACES = {"configs": "/", "secrets": "/run/secrets/"}
POLICIES = {"no": "never", "any": "unless-stopped", "always": "unless-stopped"}
# Used up when the file was read, or not for containers here; some harmless whatever they say.
MEANINGLESS = SILENT | {
    "labels",
    "profiles",
    "label_file",
    "env_file",
    "extends",
    "scale",
    "deploy",
    "networks",
    "container_name",
}


def unspoken(name: str, model: Model, service: Service, said: Iterable[str]) -> list[str]:
    """The keys of a service that we read in another way than Compose without a word about it."""
    keys = [key for key, value in model.items() if value not in (None, "", [], {}, False) or key in READERS]
    wrong = [key for key in keys if key not in MEANINGLESS and not agrees(key, model, service)]
    told = "\n".join(said)
    return [key for key in wrong if not re.search(rf"services\.{re.escape(name)}\.{key}\b", told)]


def agrees(key: str, model: Model, service: Service) -> bool:
    """Whether `key` was read as Compose has it."""
    if key not in READERS:
        return False
    compose, ours = READERS[key]
    return bool(compose(model) == ours(service))


def text(value: Any) -> str:
    """As the container sees it: Compose prints dollar signs twice."""
    return str(value).replace("$$", "$")


def words(value: Any) -> list[str] | None:
    return None if value is None else [text(one) for one in value]


def listed(value: Sequence[str] | None) -> list[str] | None:
    return None if value is None else list(value)


def texts(value: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: text(one) for name, one in (value or {}).items() if one is not None}


def ports(model: Model) -> set[int]:
    found = {int(one["target"]) for one in model.get("ports", []) if one["protocol"] == "tcp"}
    for entry in model.get("expose", []):
        numbers, _, protocol = entry.partition("/")
        first, _, last = numbers.partition("-")
        found |= set(range(int(first), int(last or first) + 1)) if protocol in ("", "tcp") else set()
    return found


def seconds(duration: str) -> float:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def check(model: Model) -> tuple[list[str] | None, bool]:
    """The command, and whether the image's own check is switched off."""
    given = model.get("healthcheck") or {}
    kind, *test = given.get("test") or ["", ""]
    off = bool(given.get("disable") or "NONE" in (kind, *test))
    return None if off or not kind else {"CMD": [], "CMD-SHELL": ["/bin/sh", "-c"]}[kind] + [
        text(one) for one in test
    ], off


def mounted(model: Model) -> list[str]:
    """Every path at which something is."""
    paths = [one["target"] for one in model.get("volumes", [])]
    paths += [one.partition(":")[0] for one in model.get("tmpfs", [])]
    files = [
        (place, one.get("target") or one["source"])
        for key, place in PLACES.items()
        for one in model.get(key, [])
    ]
    return sorted(
        paths + [target if target.startswith("/") else f"{place}{target}" for place, target in files]
    )


def ours_mounted(service: Service) -> list[str]:
    found = [one.path for one in (*service.mounts, *service.options.tmpfs)]
    return sorted(found + [one.target for one in (*service.copies, *service.texts)])


def build(model: Model) -> list[Any]:
    given = model["build"]
    inline = text(given.get("dockerfile_inline") or "")
    file = "Dockerfile" if inline else given.get("dockerfile")
    path = given["context"].removeprefix(PROJECT).lstrip("/") or "."
    return [path, file, inline, given.get("target"), texts(given.get("args"))]


def ours_built(service: Service) -> list[Any]:
    one = service.build
    return [one.path, one.dockerfile, one.dockerfile_inline, one.target, dict(one.args)] if one else []


def hosts(entries: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        name, _, address = entry.partition("=")
        found.setdefault(name, []).append(address)
    return found


def limits(model: Model) -> dict[str, tuple[int, int]]:
    both = {
        name: one if isinstance(one, dict) else {"soft": one, "hard": one}
        for name, one in model["ulimits"].items()
    }
    return {name: (one.get("soft", 0), one.get("hard", 0)) for name, one in both.items()}


def rights(model: Model) -> set[str]:
    """Those of every container here that are left."""
    drop, add = (
        {name.removeprefix("CAP_") for name in model.get(key, [])} for key in ("cap_drop", "cap_add")
    )
    return {name for name in CAPABILITIES if name in add or not {name, "ALL"} & drop}


def same(key: str) -> Callable[[Model], Any]:
    return lambda model: model.get(key)


# For each key: what Compose says, and what we have read. Both in the same form.
READERS: dict[str, tuple[Callable[[Model], Any], Callable[[Service], Any]]] = {
    "image": (lambda model: None if model.get("build") else model["image"], lambda one: one.image),
    "build": (build, ours_built),
    "environment": (lambda model: texts(model.get("environment")), lambda one: dict(one.environment)),
    "command": (lambda model: words(model.get("command")), lambda one: listed(one.command)),
    "entrypoint": (lambda model: words(model.get("entrypoint")), lambda one: listed(one.entrypoint)),
    "working_dir": (same("working_dir"), lambda one: one.working_dir),
    "user": (same("user"), lambda one: one.user),
    "ports": (ports, lambda one: set(one.ports)),
    "expose": (ports, lambda one: set(one.ports)),
    "depends_on": (lambda model: set(model["depends_on"]), lambda one: set(one.comes_after)),
    "links": (lambda model: {link.partition(":")[0] for link in model["links"]}, lambda one: set(one.depends_on)),
    "healthcheck": (check, lambda one: (one.health and list(one.health.command or []), not one.image_check)),
    "volumes": (mounted, ours_mounted),
    "tmpfs": (mounted, ours_mounted),
    "configs": (mounted, ours_mounted),
    "secrets": (mounted, ours_mounted),
    "restart": (lambda model: POLICIES.get(model["restart"], model["restart"]), lambda one: one.restart.value),
    "init": (same("init"), lambda one: one.options.init),
    "read_only": (same("read_only"), lambda one: one.options.read_only),
    "tty": (same("tty"), lambda one: one.options.tty),
    "stdin_open": (same("stdin_open"), lambda one: one.options.stdin_open),
    "hostname": (same("hostname"), lambda one: one.options.hostname),
    "stop_signal": (same("stop_signal"), lambda one: one.options.stop_signal),
    "stop_grace_period": (lambda model: seconds(model["stop_grace_period"]), lambda one: one.options.stop_seconds),
    "shm_size": (lambda model: int(model["shm_size"]) // 1024**2, lambda one: one.options.shm_size_mb),
    "mem_limit": (lambda model: int(model["mem_limit"]) // 1024**2, lambda one: one.resources and one.resources.memory_mb),
    "cpus": (same("cpus"), lambda one: one.resources and one.resources.cpus),
    "sysctls": (lambda model: texts(model["sysctls"]), lambda one: dict(one.options.sysctls)),
    "ulimits": (limits, lambda one: dict(one.options.ulimits)),
    "extra_hosts": (
        lambda model: hosts(model["extra_hosts"]),
        lambda one: {name: list(addresses) for name, addresses in one.options.extra_hosts.items()},
    ),
    "cap_add": (rights, lambda one: set(CAPABILITIES) - one.options.without_capabilities),
    "cap_drop": (rights, lambda one: set(CAPABILITIES) - one.options.without_capabilities),
    "network_mode": (same("network_mode"), lambda one: f"service:{one.network_of}" if one.network_of else "bridge"),
}  # fmt: skip
