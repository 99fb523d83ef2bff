"""/etc/docker/daemon.json: we create it if it is missing; if it exists, we only add one runtime."""

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

from seatrial.embedded.engine.daemon import EngineProblem
from seatrial.embedded.engine.detect import GVISOR, GVISOR_FOR_PREVIEWS
from seatrial.files import replace

DAEMON_JSON = Path("/etc/docker/daemon.json")
SYSTRAP_SINCE = 20230601  # releases before it have ptrace; kvm hangs on nested machines and is never used

# Only for a file that we create. The networks are small, because every deployment has one of its own.
FRESH: dict[str, Any] = {
    "log-driver": "json-file",
    "log-opts": {"max-size": "10m", "max-file": "2"},
    "default-address-pools": [{"base": "10.213.0.0/16", "size": 26}],
}


def platform_of(version: str) -> str:
    """The gVisor platform that this release runs best on; `version` is what `runsc --version` printed."""
    match = re.search(r"(\d{8})", version)
    return "systrap" if not match or int(match[1]) >= SYSTRAP_SINCE else "ptrace"


def runsc_runtime(path: str) -> dict[str, Any]:
    """The entry that registers gVisor. It keeps cgroups on, because limits need them."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return {"path": path, "runtimeArgs": [f"--platform={platform_of(done.stdout)}"]}


def with_runsc(current: dict[str, Any] | None, runtime: dict[str, Any]) -> dict[str, Any]:
    """`current` with gVisor added; existing keys stay as they are."""
    merged = dict(FRESH if current is None else current)
    runtimes = dict(merged.get("runtimes") or {})
    runtimes.setdefault(GVISOR, runtime)
    merged["runtimes"] = runtimes
    return merged


def read(path: Path = DAEMON_JSON) -> dict[str, Any] | None:
    """The file's content; None when it is not there. Raises EngineProblem when it cannot be understood."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        content = json.loads(text or "{}")
    except ValueError as error:
        raise EngineProblem(
            f"{path} is not JSON ({error}); correct it, then run scripts/engine again"
        ) from error
    if not isinstance(content, dict):
        raise EngineProblem(f"{path} does not hold an object; correct it, then run scripts/engine again")
    return content


def without_network(path: Path = DAEMON_JSON) -> bool:
    """Configure gVisor without network, for a gVisor that cannot give containers one of their own; sandboxes need none.

    Changes the entry only if it is exactly what we write. Returns False if nothing was changed.
    """
    current = read(path) or {}
    entry = (current.get("runtimes") or {}).get(GVISOR) or {}
    arguments = list(entry.get("runtimeArgs") or [])
    if any(not argument.startswith("--platform=") for argument in arguments):
        return False
    runtimes = {**current["runtimes"], GVISOR: {**entry, "runtimeArgs": [*arguments, "--network=none"]}}
    _write(path, {**current, "runtimes": runtimes})
    return True


def register_runsc(runsc: str, path: Path = DAEMON_JSON) -> bool:
    """Write gVisor into the file, atomically. Returns False if it is registered there already."""
    current = read(path)
    wanted = with_runsc(current, runsc_runtime(runsc))
    if wanted == current:
        return False
    _write(path, wanted)
    return True


def register_for_previews(path: Path = DAEMON_JSON) -> bool:
    """Register gVisor a second time, with the network of its container, which previews need and policies must not have. Returns False
    if that is there already, or gVisor itself is not."""
    current = read(path) or {}
    runtimes = current.get("runtimes") or {}
    entry = runtimes.get(GVISOR)
    if not entry or GVISOR_FOR_PREVIEWS in runtimes:
        return False
    others = [one for one in entry.get("runtimeArgs") or [] if not one.startswith("--network=")]
    second = {**entry, "runtimeArgs": [*others, "--network=host"]}
    _write(path, {**current, "runtimes": {**runtimes, GVISOR_FOR_PREVIEWS: second}})
    return True


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    replace(path, json.dumps(content, indent=2) + "\n", mode=mode)
