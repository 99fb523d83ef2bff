"""The host's distribution: its mirror as configured in apt, its packages, and a base image made of them."""

import asyncio
import os
import platform
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.commands import logged
from seatrial.agent.commands.children import Errors, started
from seatrial.agent.commands.logged import Ended
from seatrial.agent.commands.programs import SEARCH_PATH, find
from seatrial.agent.commands.running import run
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError, EngineRefused, ImageUnavailable
from seatrial.agent.vocabulary.logs import Log

BOOTSTRAP_SECONDS = 900.0
UNNEEDED = (
    "var/cache/apt/archives",
    "var/lib/apt/lists",
    "var/log",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
)
DEBIAN_LIKE = {"debian", "ubuntu"}


def codename() -> str:
    """The release's name, `bookworm`. Raises ImageUnavailable on a system without Debian packages."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    likes = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    name = release.get("VERSION_CODENAME", "")
    if not name or not likes & DEBIAN_LIKE:
        raise ImageUnavailable(
            "stand-ins are built from Debian or Ubuntu packages, and this host has neither"
        )
    return name


@dataclass(frozen=True)
class Mirror:
    """Where packages come from, and which components."""

    uri: str
    components: tuple[str, ...]


async def mirror() -> Mirror:
    """The machine's own package source for its release, as apt reads it in any of its formats."""
    name = codename()
    listed = await output(
        "apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages"
    )
    rows = [line.split("|") for line in listed.splitlines() if line.count("|") == 2]
    ours = [(uri.rstrip("/"), component) for uri, release, component in rows if release == name]
    if not ours:
        raise ImageUnavailable(
            f"apt has no source for {name} on this host. Add one to /etc/apt/sources.list.d"
        )
    uri = next((uri for uri, component in ours if component == "main"), ours[0][0])
    return Mirror(uri, tuple(dict.fromkeys(component for other, component in ours if other == uri)))


async def version_of(package: str) -> str:
    """The upstream version on our mirror, ignoring the host's other package sources: `15.18` of `15.18-0+deb12u1`."""
    source = f"{(await mirror()).uri} {codename()}/"
    rows = [line.split("|") for line in (await output("apt-cache", "madison", package)).splitlines()]
    ours = (row[1].strip() for row in rows if len(row) == 3 and row[2].strip().startswith(source))
    match = re.match(r"(?:\d+:)?([^\s+~-]+)", next(ours, ""))
    return match[1] if match else ""


async def output(*command: str) -> str:
    """The output of a command; empty if it fails or does not exist."""
    try:
        done = await run(command, environment={**os.environ, "LC_ALL": "C"}, errors=Errors.DROPPED)
    except FileNotFoundError:
        return ""
    return done.text


@dataclass(frozen=True)
class Debootstrap:
    """Makes the base image: the release's essential packages and apt, nothing else."""

    engine: Engine
    scratch: Path

    async def __call__(self, tag: str, labels: Mapping[str, str], log: Log) -> None:
        """Make the image `tag`: see `MakeBase`."""
        if find("debootstrap") is None or os.geteuid() != 0:
            raise BuildError("stand-ins need root and debootstrap. Install it: apt-get install debootstrap")
        source = await mirror()
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="base-", dir=self.scratch) as folder:
            root = Path(folder) / "root"
            await self._bootstrap(source, root, log)
            await asyncio.to_thread(finish, root, source, codename())
            await self._import(root, tag, labels)

    async def _bootstrap(self, source: Mirror, root: Path, log: Log) -> None:
        components = ",".join(source.components)
        command = [
            "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc",
            find("debootstrap") or "debootstrap", "--variant=minbase", f"--components={components}", "--include=ca-certificates",
            codename(), str(root), source.uri,
        ]  # fmt: skip
        ended = await logged.run(
            command,
            progress(log),
            environment={**os.environ, "PATH": SEARCH_PATH, "LC_ALL": "C"},
            timeout_seconds=BOOTSTRAP_SECONDS,
        )
        if ended.code:
            raise ImageUnavailable(f"debootstrap failed: {reason(ended)}", log_tail=list(ended.tail))

    async def _import(self, root: Path, tag: str, labels: Mapping[str, str]) -> None:
        changes = [
            'CMD ["bash"]',
            "ENV LANG=C.UTF-8",
            *(f'LABEL {name}="{value}"' for name, value in labels.items()),
        ]
        try:
            await self.engine.images.take_in(tarred(root), tag, changes)
        except EngineRefused as error:
            raise BuildError(f"the engine did not accept {tag}: {error}") from error


def progress(log: Log) -> Log:
    """debootstrap's steps without its line per package."""

    async def emit(line: str) -> None:
        if not re.match(r"I: (Retrieving|Validating|Extracting|Unpacking|Configuring) \S", line):
            await log(line)

    return emit


def reason(ended: Ended) -> str:
    """The last error that debootstrap printed."""
    return next(
        (line for line in reversed(ended.tail) if line.startswith("E:")), ended.tail[-1] if ended.tail else ""
    )


def finish(root: Path, source: Mirror, name: str) -> None:
    """Point apt at the same mirror, keep services from starting, remove files that only take space."""
    components = " ".join(source.components)
    (root / "etc/apt/sources.list").write_text(f"deb {source.uri} {name} {components}\n")
    (root / "etc/apt/apt.conf.d/90seatrial").write_text(
        'APT::Install-Recommends "false";\nAcquire::Languages "none";\nDpkg::Use-Pty "0";\n'
    )
    (root / "etc/dpkg/dpkg.cfg.d/90seatrial").write_text(
        "path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\nforce-unsafe-io\n"
    )
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    for folder in UNNEEDED:
        for path in sorted((root / folder).rglob("*"), reverse=True):
            if path.is_file() or path.is_symlink():
                path.unlink()


async def tarred(root: Path) -> AsyncIterator[bytes]:
    """The tree as a tar stream."""
    command = [
        "tar", "--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "-C", str(root), "-c", ".",
    ]  # fmt: skip
    async with started(command, errors=Errors.DROPPED) as process:
        assert process.stdout is not None
        while chunk := await process.stdout.read(1 << 20):
            yield chunk
