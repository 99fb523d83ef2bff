"""Finds the real parts that tests need. A missing part is a loud skip on a laptop and a failure in CI.

`python -m tests.engines` lists what is here, and fails when anything is not.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent
# The first that is here. The headless shell is Chromium without what a browser has around a page: the same engine for a third less.
PROGRAMS = {
    "nats": ("nats-server",),
    "gvisor": ("runsc",),
    "chromium": ("chromium-headless-shell", "chromium"),
}
VERSION_OF = {
    "docker": ["version", "--format", "{{.Server.Version}}"],
    "gvisor": ["--version"],
    "buildah": ["--version"],
    "nats": ["--version"],
    "traefik": ["version"],
    "chromium": ["--version"],
    "debootstrap": ["--version"],
    "busybox": [],
    "docker-buildx": ["version"],
}


def find(program: str) -> str | None:
    """The path of `program`: beside this Python, or on the PATH."""
    beside = SCRIPTS / program
    return str(beside) if beside.exists() else shutil.which(program)


def found(name: str) -> str | None:
    """The path of the program of the engine `name`."""
    return next(filter(None, map(find, PROGRAMS.get(name, (name,)))), None)


def require(name: str) -> str:
    """The path of the engine `name` (docker, gvisor, nats, traefik, chromium, or any program).

    Without it the test is skipped, or fails where engines are required. Docker must answer, and gVisor must be
    registered with it.
    """
    program = found(name)
    if program is None:
        missing(f"{name} is not installed")
    if name in {"docker", "gvisor"} and (runtimes := _docker_runtimes()) is None:
        missing("no Docker Engine answers")
    elif name == "gvisor" and "runsc" not in (runtimes or ""):
        missing("runsc is not registered as a runtime of Docker")
    assert program is not None
    return program


def required() -> bool:
    """Whether a missing engine is a failure."""
    return os.environ.get("CI") == "true" or os.environ.get("SEATRIAL_REQUIRE_ENGINES") == "1"


def missing(reason: str) -> None:
    """End this test: the engine it needs is not here."""
    if required():
        pytest.fail(f"{reason}, and engines are required here")
    pytest.skip(f"{reason}: this test did not run")


@functools.cache
def _docker_runtimes() -> str | None:
    docker = find("docker")
    if docker is None:
        return None
    answer = subprocess.run(
        [docker, "info", "--format", "{{json .Runtimes}}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else None


def versions() -> dict[str, str | None]:
    """Every engine that tests use, with its version; None for one that is not here or does not answer."""
    with ThreadPoolExecutor() as together:
        return dict(zip(VERSION_OF, together.map(_version, VERSION_OF), strict=True))


def header() -> list[str]:
    """The first lines of a test run: the engines that are here, and clearly those that are missing."""
    by_name = versions()
    missing = [name for name, version in by_name.items() if version is None]
    here = ", ".join(f"{name} {version}" for name, version in by_name.items() if version)
    fate = (
        "their tests fail" if required() else "their tests are skipped; scripts/setup --dev, scripts/engine"
    )
    return [f"engines: {here}"] + ([f"MISSING: {', '.join(missing)} ({fate})"] if missing else [])


def _version(name: str) -> str | None:
    program = found(name)
    if program is None or (name == "gvisor" and "runsc" not in (_docker_runtimes() or "")):
        return None
    command = [program, *VERSION_OF[name]]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"\d+([.~]\d+)+", answer.stdout)
    return number.group() if number and answer.returncode == 0 else None


def _listing() -> Iterator[str]:
    for name, version in versions().items():
        yield f"  {name:<11} {version or 'MISSING'}"


if __name__ == "__main__":
    listing = list(_listing())
    sys.stdout.write("\n".join(listing) + "\n")
    sys.exit(any(line.endswith("MISSING") for line in listing))
