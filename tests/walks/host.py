"""A host of its own: network, mounts and processes in namespaces, with an engine that has no image yet. Walks type there."""

import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.waiting import eventually

HERE = Path(__file__).parent
PATIENCE_SECONDS = 1800.0
CGROUPS = Path("/sys/fs/cgroup")
# What a machine has that namespaces do not: an init system that starts the engine, and sudo where one is root already.
SYSTEMCTL = """\
#!/bin/bash
# `restart docker` is all that this host's init system can do.
set -eu
[ "$*" = "restart docker" ] || {{ echo "systemctl: $*: not on this host" >&2; exit 1; }}
if [ -e /run/docker.pid ]; then
  old=$(cat /run/docker.pid)
  kill "$old"
  for _ in $(seq 600); do [ ! -e "/proc/$old" ] && break; sleep 0.1; done
fi
setsid dockerd --cgroup-parent {cgroup} >> {root}/engine.log 2>&1 < /dev/null &
for _ in $(seq 600); do docker info > /dev/null 2>&1 && exit 0; sleep 0.1; done
echo "systemctl: the engine does not start: {root}/engine.log" >&2
exit 1
"""


@dataclass
class Said:
    """What a block of commands printed, both streams as they came, and its exit code."""

    text: str
    code: int


@dataclass
class Host:
    """`types` runs what an operator would, in a shell that keeps its folder from one block to the next."""

    root: Path
    pid: int
    folder: str = "/root"
    typed: list[str] = field(default_factory=list)

    def command(self, script: str) -> list[str]:
        """What runs the script there."""
        inside = [
            "env",
            "-i",
            "HOME=/root",
            "LANG=C.UTF-8",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        return ["nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--uts", "--ipc", "--wd=/", *inside, "bash", "-c", script]  # fmt: skip

    def tries(self, block: str, *, seconds: float = PATIENCE_SECONDS) -> Said:
        """Type the block, as it is; a line that fails ends it."""
        began = time.monotonic()
        sys.stdout.write("".join(f"    $ {line}\n" for line in block.strip().splitlines()))
        sys.stdout.flush()
        where = self.root / "folder"
        script = f"cd {shlex.quote(self.folder)} && set -euo pipefail\n{block}\npwd > {where}\n"
        done = subprocess.run(
            self.command(script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False
        )  # fmt: skip
        self.folder = where.read_text().strip() if where.exists() else self.folder
        self.typed.append(block)
        sys.stdout.write(f"      {done.returncode}, after {time.monotonic() - began:.1f} s\n")
        sys.stdout.flush()
        return Said(done.stdout, done.returncode)

    def types(self, block: str) -> str:
        """Type what must succeed; returns what it printed."""
        said = self.tries(block)
        assert said.code == 0, f"{block}\n{said.text[-6000:]}"
        return said.text

    def follows(self, command: str, wanted: str) -> str:
        """Type what goes on until Ctrl-C, which comes as soon as a line has `wanted`; returns that line."""
        sys.stdout.write(f"    $ {command}   until {wanted!r}\n")
        self.typed.append(command)
        script = f"cd {shlex.quote(self.folder)} && exec timeout --signal=INT 600 {command}"
        process = subprocess.Popen(
            self.command(script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        assert process.stdout is not None
        read: list[str] = []
        try:
            for line in process.stdout:
                read.append(line)
                if re.search(wanted, line):
                    return line
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.stdout.close()
            process.wait()
        raise AssertionError(f"{command}: no line with {wanted!r}:\n{''.join(read)[-6000:]}")

    def path(self, name: str) -> Path:
        """A file there, as this process sees it."""
        return Path(f"/proc/{self.pid}/root") / name.lstrip("/")

    def containers(self) -> set[str]:
        """The names of all containers there."""
        return set(self._quietly("docker ps --all --format '{{.Names}}'").split())

    def _quietly(self, script: str) -> str:
        done = subprocess.run(self.command(script), capture_output=True, text=True, timeout=60, check=True)
        return done.stdout


@contextmanager
def running(
    root: Path, connect: Callable[[int], None], resolver: str, disk: Path | None = None
) -> Iterator[Host]:
    """A host. `connect` is called with its process before its engine starts, and gives it a network. `disk` is a file with a file system
    below `root`, for the engine alone. All of it ends with the block."""
    for name in (
        "over",
        "docker",
        "galley",
        "home",
        "put/usr/local/bin",
        "put/etc/docker",
        "put/usr/local/lib/docker/cli-plugins",
    ):
        (root / name).mkdir(parents=True)
    cgroup = f"seatrial-walk-{secrets.token_hex(4)}"
    _program(root / "put/usr/local/bin/systemctl", SYSTEMCTL.format(root=root, cgroup=cgroup))
    _program(root / "put/usr/local/bin/sudo", '#!/bin/sh\nexec "$@"\n')
    (root / "put/usr/local/lib/docker/cli-plugins/docker-compose").symlink_to(
        Path(sys.executable).parent / "docker-compose"
    )
    shutil.copy("/etc/docker/daemon.json", root / "put/etc/docker")
    log = (root / "boot.log").open("wb")
    namespaces = ["--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    outer = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, "bash", str(HERE / "boot"), str(root), resolver, str(disk or "")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
    )  # fmt: skip
    try:
        inner = eventually(
            lambda: psutil.Process(outer.pid).children(), what="the first process of the host"
        )[0].pid
        connect(inner)
        eventually((root / "ready").exists, what=f"the host's engine, see {root}/engine.log")
        yield Host(root, inner)
    finally:
        outer.kill()
        outer.wait()
        log.close()
        _remove_cgroups(cgroup)


def commands(block: str) -> list[str]:
    """The commands of a block: a line that ends with a backslash goes on."""
    return re.findall(r"(?:.*\\\n)*.+\n", block)


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _remove_cgroups(name: str) -> None:
    """Those of containers that ended with their host. A folder goes when its processes have ended, the innermost first."""

    def gone() -> bool:
        left = sorted(set(CGROUPS.glob(f"*/{name}/**/")), reverse=True)
        for folder in left:
            with suppress(OSError):
                folder.rmdir()
        return not left

    eventually(gone, what=f"the cgroups {name} are empty")
