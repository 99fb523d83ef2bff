"""Whether a real part is here. Missing: a loud skip on a laptop, a failure in CI."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent
PROGRAMS = {"nats": "nats-server", "gvisor": "runsc"}


def find(program: str) -> str | None:
    """The path of `program`: beside this Python, or on the PATH."""
    beside = SCRIPTS / program
    return str(beside) if beside.exists() else shutil.which(program)


def require(name: str) -> str:
    """The path of the engine `name` (docker, gvisor, nats, traefik, chromium, or any program).

    Without it the test is skipped, or fails where engines are required. Docker must answer, and gVisor must be
    registered with it.
    """
    program = find(PROGRAMS.get(name, name))
    if program is None:
        missing(f"{name} is not installed")
    if name in {"docker", "gvisor"} and (runtimes := _docker_runtimes()) is None:
        missing("no Docker Engine answers")
    elif name == "gvisor" and "runsc" not in (runtimes or ""):
        missing("runsc is not registered as a runtime of Docker")
    assert program is not None
    return program


def missing(reason: str) -> None:
    """End this test: the engine it needs is not here."""
    if os.environ.get("CI") == "true" or os.environ.get("SEATRIAL_REQUIRE_ENGINES") == "1":
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
        timeout=30,
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else None
