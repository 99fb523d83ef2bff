"""What is at a path of a container: volumes, files of the commit, memory, configs and secrets."""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.recipes.compose.marks import MARK
from seatrial.agent.recipes.compose.places import Places
from seatrial.agent.recipes.compose.values import in_repository, read
from seatrial.agent.recipes.document import Path
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.vocabulary import quantities
from seatrial.agent.vocabulary.containers import Copy, Mount, Text
from seatrial.agent.vocabulary.mount_targets import refused_mount_target
from seatrial.agent.vocabulary.options import Tmpfs

CLOCKS = {"/etc/localtime", "/etc/timezone"}  # often mounted out of habit; neither secret nor needed
ENGINES = ("docker.sock", "containerd.sock", "podman.sock")
SHORT = re.compile(r"((?:\$\{[^}]*\}|[^:])*):")  # a mount on one line; a default may hold a colon
DRIVE = re.compile(r"[A-Za-z]:[/\\]")
LONGEST_VOLUME = 128
FOLDERS = {"configs": "/", "secrets": "/run/secrets"}  # where Compose puts what says no whole path
NOT_MADE = {"npipe", "cluster", "image"}


@dataclass
class Mounted:
    """Of one service."""

    mounts: list[Mount] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    tmpfs: list[Tmpfs] = field(default_factory=list)


@dataclass(frozen=True)
class Mounting:
    """Reads them. `environment` has every variable that a config or secret may be made of; `committed` says whether the
    commit has a file."""

    document: Places
    environment: Mapping[str, str]
    committed: Callable[[str], bool]
    problems: Problems

    def of(self, at: Path, keys: dict[str, Any]) -> Mounted:
        """Everything that is mounted into a service."""
        found = Mounted()
        for index, entry in enumerate(keys.get("volumes") or []):
            with self.problems.noted():
                self._volume((*at, "volumes", index), entry, found)
        for entry in keys.get("tmpfs") or []:
            with self.problems.noted():
                found.tmpfs.append(self._in_memory((*at, "tmpfs"), *options_of(str(entry))))
        for key in ("configs", "secrets"):
            for entry in keys.get(key) or []:
                with self.problems.noted():
                    self._file((*at, key), key, entry, found)
        with self.problems.noted():
            self._check_twice(at, found)
        return found

    def _check_twice(self, at: Path, found: Mounted) -> None:
        """Raise RecipeError where two are mounted at one path: no engine starts that."""
        paths = [*(mount.path for mount in found.mounts), *(tmpfs.path for tmpfs in found.tmpfs)]
        targets = [posixpath.normpath(path) for path in paths]
        for target in targets:
            if targets.count(target) > 1:
                self.document.fail((*at, "volumes"), f"two are mounted at {target}", "Remove one of them")

    def _volume(self, at: Path, entry: Mapping[str, Any], found: Mounted) -> None:
        kind, source, target = (
            entry.get("type"),
            str(entry.get("source") or ""),
            str(entry.get("target") or ""),
        )
        if DRIVE.match(target):
            self.document.fail(
                at,
                f"Compose takes {target!r} for a path of Windows",
                "Give the volume a name of more than one letter",
            )
        if not target.startswith("/"):
            self.document.fail(
                at, f"{target!r} is not a path in the container", "Write name:/path/in/the/container"
            )
        self._check_target(at, target)
        if subpath := (entry.get("volume") or {}).get("subpath"):
            self.problems.warn(self.document.warning(at, f"the whole volume is mounted, not only {subpath}"))
        if kind in NOT_MADE:
            self.problems.warn(self.document.warning(at, f"ignored: {kind} mounts are not made"))
        elif kind == "tmpfs":
            options = entry.get("tmpfs") or {}
            mode = f"{options['mode']:o}" if isinstance(options.get("mode"), int) else None
            found.tmpfs.append(self._in_memory(at, target, {"size": options.get("size"), "mode": mode}))
        elif kind == "bind":
            self._bind(at, source, target, found)
        elif source:
            self._named(at, source, target, bool(entry.get("read_only")), found)
        else:
            found.mounts.append(Mount("", target, bool(entry.get("read_only"))))

    def _named(self, at: Path, source: str, target: str, read_only: bool, found: Mounted) -> None:
        volumes = self.document.data.get("volumes") or {}
        if source not in volumes:
            self.document.fail(
                at, f"there is no volume {source}", f"Add {source}: under volumes: at the top level"
            )
        if len(source) > LONGEST_VOLUME:
            self.document.fail(
                at, f"the volume's name is longer than {LONGEST_VOLUME} characters", "Shorten it"
            )
        options = (volumes[source] or {}).get("driver_opts") or {}
        if (driver := (volumes[source] or {}).get("driver") or "local") != "local":
            said = f"ignored: {driver}; the volume is the engine's own, and begins empty"
            self.problems.warn(self.document.warning(("volumes", source, "driver"), said))
        if (volumes[source] or {}).get("external"):
            where = ("volumes", source, "external")
            self.document.fail(where, "refused: it lives outside the preview", "Remove external")
        if options.get("type") == "tmpfs":
            found.tmpfs.append(self._in_memory(at, *options_of(f"{target}:{options.get('o') or ''}")))
        elif options.get("device"):
            where = ("volumes", source, "driver_opts")
            device = options["device"]
            self.document.fail(
                where, f"refused: the device {device} is outside the preview", "Remove driver_opts"
            )
        else:
            found.mounts.append(Mount(source, target, read_only))

    def _bind(self, at: Path, source: str, target: str, found: Mounted) -> None:
        if source in CLOCKS:
            self.problems.warn(
                self.document.warning(at, f"ignored: {source} is the host's; set TZ in environment")
            )
            return
        if any(engine in source for engine in ENGINES):
            self.document.fail(
                at, f"refused: {source} would give the container the host's engine", "Remove it"
            )
        path = in_repository(source)
        if path is None:
            said = self._as_written(at) or source
            self.document.fail(
                at, f"refused: {said} is a path of the host", "Use a named volume, or copy it into the image"
            )
        if path != ".git":
            found.copies.append(Copy(path, target))

    def _as_written(self, at: Path) -> str | None:
        """The source as the author wrote it."""
        value = self.document.written(at)
        if isinstance(value, dict):
            return str(value.get("source"))
        match = SHORT.match(value) if isinstance(value, str) else None
        return match[1] if match else None

    def _file(self, at: Path, key: str, entry: Mapping[str, Any], found: Mounted) -> None:
        name = str(entry.get("source"))
        given = (self.document.data.get(key) or {}).get(name)
        where: Path = (key, name)
        if given is None:
            self.document.fail(
                at, f"there is no {key[:-1]} {name}", f"Add {name}: under {key}: at the top level"
            )
        target = posixpath.join(FOLDERS[key], str(entry.get("target") or name))
        self._check_target(at, target)
        if given.get("external"):
            self.document.fail(
                (*where, "external"), "refused: it lives outside the preview", "Remove external"
            )
        if given.get("content") is not None:
            found.texts.append(Text(target, self._final((*where, "content"), str(given["content"]))))
        elif variable := given.get("environment"):
            if variable not in self.environment:
                problem = f"{variable} has no value, so the file is empty; set it in the project's variables"
                self.problems.warn(self.document.warning((*where, "environment"), problem))
            found.texts.append(Text(target, self.environment.get(variable, "")))
        else:
            self._copied((*where, "file"), str(given.get("file")), target, found)

    def _copied(self, at: Path, file: str, target: str, found: Mounted) -> None:
        path = self._own(at, file)
        if self.committed(path):
            found.copies.append(Copy(path, target))
            return
        said = f"{path} is not in the commit, so {target} is empty; environment: NAME takes it from a project variable"
        self.problems.warn(self.document.warning(at, said))
        found.texts.append(Text(target, ""))

    def _own(self, at: Path, file: str) -> str:
        path = in_repository(file)
        if path is None:
            said = self.document.written(at) or file
            self.document.fail(at, f"refused: {said} is a path of the host", "Name a file of this repository")
        return path

    def _final(self, at: Path, text: str) -> str:
        if match := MARK.search(text):
            self.document.fail(
                at, f"{match[1]} is known only when the preview starts", "Use it in environment or build.args"
            )
        return text.replace("$$", "$")

    def _in_memory(self, at: Path, target: str, options: Mapping[str, str | None]) -> Tmpfs:
        if not target.startswith("/"):
            self.document.fail(
                at, f"{target!r} is not a path in the container", "Write /path/in/the/container"
            )
        self._check_target(at, target)
        size = options.get("size")
        mode = options.get("mode") or "1777"
        numbers = {key: options.get(key) or "0" for key in ("uid", "gid")}
        for key, value in {"mode": mode, **numbers}.items():
            if re.fullmatch(r"[0-7]{1,4}" if key == "mode" else r"\d{1,9}", value) is None:
                self.document.fail(at, f"{key}={value} is not a valid number", "Correct it, or leave it out")
        return Tmpfs(
            target,
            size_mb=read(self.document, at, quantities.file_system_megabytes, size),
            mode=int(mode, 8),
            uid=int(numbers["uid"]),
            gid=int(numbers["gid"]),
            executable="exec" in options,
        )

    def _check_target(self, at: Path, target: str) -> None:
        refused = refused_mount_target(target)
        if refused is None:
            return
        memory = posixpath.normpath(target) == "/dev/shm"  # noqa: S108 - of a container
        fix = "Write shm_size: with its size" if memory else refused.fix
        self.document.fail(at, f"refused: {target} {refused.problem}", fix)


def options_of(text: str) -> tuple[str, dict[str, str | None]]:
    """The path and the options of `/path:size=16m,exec`."""
    path, _, options = text.partition(":")
    pairs: Iterable[tuple[str, str, str]] = (one.partition("=") for one in options.split(",") if one)
    return path, {name: value if equals else None for name, equals, value in pairs}
