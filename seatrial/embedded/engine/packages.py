"""The distribution's packages, installed without starting anything and without taking anything away."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seatrial.embedded.engine.daemon import EngineProblem

POLICY = Path("/usr/sbin/policy-rc.d")

# What each program comes in. `runc` is only asked for where no other package brought it (Docker's own does).
ENGINE = {"dockerd": "docker.io", "docker": "docker.io", "iptables": "iptables", "runsc": "runsc"}
BUILDS = {
    "buildah": "buildah",
    "newuidmap": "uidmap",
    "runc": "runc",
    "slirp4netns": "slirp4netns",
    "debootstrap": "debootstrap",
}
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def has(program: str) -> bool:
    """Whether the program is installed, also where it is on root's path only."""
    return shutil.which(program, path=SEARCH) is not None


def missing(programs: dict[str, str]) -> list[str]:
    """The packages of the programs that are not here, each once, in order."""
    return list(dict.fromkeys(package for program, package in programs.items() if not has(program)))


def is_debian_like(release: Path = Path("/etc/os-release")) -> bool:
    """Debian, Ubuntu or a child of theirs."""
    try:
        lines = release.read_text().splitlines()
    except OSError:
        return False
    words = " ".join(
        line.split("=", 1)[1].strip('"') for line in lines if line.startswith(("ID=", "ID_LIKE="))
    )
    return bool({"debian", "ubuntu"} & set(words.split())) and shutil.which("apt-get") is not None


@contextmanager
def nothing_starts(policy: Path = POLICY) -> Iterator[None]:
    """While inside, packages may not start services. A policy that was there before is left alone.

    Without an init, the engine's own start script would fail and leave the package half configured.
    """
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def install(names: list[str], *, start_services: bool = False) -> None:
    """Install packages, never removing another. Raises EngineProblem with apt's last lines."""
    if not names:
        return
    _apt("update")
    known = [name for name in names if _known(name)]
    if "runsc" in names and "runsc" not in known:
        print("  gVisor (runsc) is not among this distribution's packages: isolation will be weaker.")
    arguments = ("install", "-y", "--no-install-recommends", "--no-remove", *known)
    if start_services:
        _apt(*arguments)
    else:
        with nothing_starts():
            _apt(*arguments)


def _known(name: str) -> bool:
    done = subprocess.run(["apt-cache", "show", name], capture_output=True, check=False)
    return name != "runsc" or done.returncode == 0


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()[-4:]
        raise EngineProblem(f"`apt-get {arguments[0]}` failed: {' | '.join(lines)}")
