"""dockerd: decides whether we may start it, and starts it, with or without systemd.

A note on disk records that we installed or started the engine on this machine; an engine that somebody else manages
is used but never changed. A second dockerd is never started while one answers or runs: it would take the
first one's bridge away.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from seatrial.embedded.engine import detect

NOTE = Path("/var/lib/seatrial/engine.json")
LOG = Path("/var/log/seatrial-dockerd.log")
RUN = Path("/var/run")
PATIENCE_SECONDS = 60.0


class EngineProblem(Exception):
    """The engine is not available. `hopeless` if no engine can run on this machine at all."""

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


def systemd_runs() -> bool:
    """Whether systemd is this machine's init."""
    return Path("/run/systemd/system").is_dir()


def pids() -> list[int]:
    """Every running dockerd of this machine."""
    running = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if (folder / "comm").read_text().strip() == "dockerd" and state != "Z":
                running.append(int(folder.name))
    return running


def note_as_ours() -> None:
    """Note on disk that we set this engine up, so that we may start it again."""
    NOTE.parent.mkdir(parents=True, exist_ok=True)
    NOTE.write_text(json.dumps({"engine": "set up by seatrial"}) + "\n")


def is_ours() -> bool:
    """Whether we set this engine up, so that its configuration is ours to correct."""
    return NOTE.exists()


def may_start(environ: Mapping[str, str]) -> bool:
    """Whether the engine at the standard socket is ours to start now."""
    ours = is_ours() and os.geteuid() == 0 and detect.address(environ) == detect.STANDARD
    return ours and not systemd_runs() and not pids() and shutil.which("dockerd") is not None


def start() -> None:
    """Start the engine and wait until it answers at the standard socket. Raises EngineProblem."""
    if systemd_runs():
        _run("systemctl", "start", "docker.socket", "docker.service")
    else:
        with _alone():
            if not pids():
                _spawn()
    wait_until_it_answers()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Of all platforms of this machine one at a time, since all of them see at once that the engine is gone."""
    with (RUN / "seatrial-engine.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _spawn() -> None:
    _ensure_cgroups()
    forget_the_dead(RUN)
    with LOG.open("ab") as log:
        subprocess.Popen(
            ["dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **_proxies()},
        )


def wait_until_it_answers() -> None:
    """Return when the engine answers. Raises EngineProblem with the last lines of its log."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    began = time.monotonic()
    while not detect.ask({}).answers:
        gone = not systemd_runs() and not pids() and time.monotonic() - began > 1
        if gone or time.monotonic() > deadline:
            raise EngineProblem(f"dockerd does not start: {_last_words()}", hopeless=True)
        time.sleep(0.1)


def reload() -> None:
    """Make a running dockerd read its daemon.json again: runtimes are taken over live, containers stay."""
    for pid in pids():
        os.kill(pid, signal.SIGHUP)


def uses_standard_configuration() -> bool:
    """Whether the running dockerd reads /etc/docker/daemon.json (and not a file or runtimes of its own)."""
    for pid in pids():
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            return "--config-file" not in line and "--add-runtime" not in line
    return systemd_runs()


def forget_the_dead(run: Path) -> None:
    """Remove pid files of daemons that ended without removing them.

    If the files survive a restart of the machine, another process may have the same pid, and dockerd would refuse to start
    or wait for a process that is not containerd.
    """
    for file in (run / "docker.pid", run / "docker/containerd/containerd.pid"):
        with contextlib.suppress(OSError, ValueError):
            owner = Path("/proc", str(int(file.read_text())), "comm")
            if not owner.exists() or owner.read_text().strip() not in {"dockerd", "containerd"}:
                file.unlink()


def _ensure_cgroups() -> None:
    """Mount the cgroups if they are not mounted, as in many containers without an init."""
    if any(Path("/sys/fs/cgroup").iterdir()):
        return
    with contextlib.suppress(EngineProblem):
        _run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")


def _proxies() -> dict[str, str]:
    names = {"http_proxy", "https_proxy", "no_proxy"}
    return {name: value for name, value in os.environ.items() if name.lower() in names}


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineProblem(f"`{' '.join(command)}` failed: {done.stderr.strip()[-400:]}")


def _last_words() -> str:
    if systemd_runs():
        return "see journalctl -u docker"
    with contextlib.suppress(OSError):
        return " | ".join(LOG.read_text(errors="replace").strip().splitlines()[-3:])
    return "it left no log"
