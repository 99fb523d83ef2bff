"""Installs packages of the distribution, without starting services and without removing packages."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from seatrial.embedded.engine.daemon import EngineProblem

POLICY = Path("/usr/sbin/policy-rc.d")
MARK = "# Seatrial installs packages; may be removed when scripts/engine does not run."

# The package of each program. `runc` is only installed if no other package contains it (Docker's own does).
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
    """Whether the program is installed, also if it is only on root's path."""
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
    """While inside, packages may not start services. An existing policy of others is left alone.

    Without an init, the engine's own start script would fail and leave the package half configured.
    """
    forget_policy(policy)
    if policy.exists():
        yield
        return
    policy.write_text(f"#!/bin/sh\n{MARK}\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def forget_policy(policy: Path = POLICY) -> None:
    """Remove the policy that an earlier, killed run left: it would keep services of this machine from starting."""
    with contextlib.suppress(FileNotFoundError):
        if MARK in policy.read_text(errors="replace"):
            policy.unlink()


def install(names: list[str], *, start_services: bool = False) -> None:
    """Install packages, never removing another. Raises EngineProblem with apt's last lines."""
    if not names:
        return
    _apt("update")
    known = [name for name in names if _known(name)]
    if "runsc" in names and "runsc" not in known:
        print("  gVisor (runsc) is not among this distribution's packages: isolation will be weaker.")
    with nullcontext() if start_services else nothing_starts():
        _to_its_end("dpkg", "--configure", "-a")  # completes an installation that was interrupted
        _apt("install", "-y", "--no-install-recommends", "--no-remove", *known)


def _known(name: str) -> bool:
    done = subprocess.run(["apt-cache", "show", name], capture_output=True, check=False)
    return name != "runsc" or done.returncode == 0


def _apt(*arguments: str) -> None:
    code, said = _to_its_end("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments)
    if code:
        raise EngineProblem(f"`apt-get {arguments[0]}` failed: {' | '.join(said.strip().splitlines()[-4:])}")


def _to_its_end(*command: str) -> tuple[int, str]:
    """Run it, and return the exit code and its output. A package is never left half installed.

    It has a session of its own, so Ctrl-C does not reach it. Ctrl-C is passed on to apt only, which stops at a safe
    point; KeyboardInterrupt is raised when it has ended.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with tempfile.TemporaryFile() as said, _held() as interruptions:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        passed_on = 0
        while process.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
            if passed_on < len(interruptions):
                passed_on = len(interruptions)
                print(f"  interrupted; waiting until {command[0]} has ended", flush=True)
                process.send_signal(signal.SIGINT)
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace")


@contextmanager
def _held() -> Iterator[list[int]]:
    """While inside, KeyboardInterrupt is deferred and raised at the end.

    Otherwise it could be raised between the start of a command and our waiting for it.
    """
    noted: list[int] = []
    held = [
        sign
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(sign) is signal.default_int_handler
    ]
    for sign in held:
        signal.signal(sign, lambda number, _: noted.append(number))
    try:
        yield noted
    finally:
        for sign in held:
            signal.signal(sign, signal.default_int_handler)
    if noted:
        raise KeyboardInterrupt
