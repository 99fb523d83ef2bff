"""Turns a ContainerSpec into a keeper's start.json: the command, its folder and its environment."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.agent.builds.processes.images import POSTGRES, SYSTEM_PATH, inside, located_values
from seatrial.agent.builds.processes.records import Records
from seatrial.agent.commands.people import give, unprivileged
from seatrial.agent.runtime.process import postgres
from seatrial.agent.runtime.process.addresses import rewritten
from seatrial.agent.vocabulary.containers import ContainerSpec
from seatrial.agent.vocabulary.errors import NeedsEngine, StartError


@dataclass(frozen=True)
class KeeperPlan:
    """Works out how `spec` runs. `ports` are those of its siblings."""

    spec: ContainerSpec
    image: dict[str, Any]
    volumes: Records
    folder: Path
    ports: dict[str, int]
    port: int

    def plan(self) -> dict[str, Any]:
        """The content of start.json. Raises StartError if there is nothing to run, NeedsEngine if the host lacks the program."""
        if self.image.get("kind") == POSTGRES:
            return self._postgres()
        root = Path(self.image["root"])
        command = self._command(root)
        directory = inside(root, self.spec.working_dir or self.image["directory"])
        environment = {
            "HOME": str(directory),
            **located_values(self.image["environment"], root),
            **rewritten(self.spec.environment, self.ports),
            "PORT": str(self.port),
            "PATH": f"{self._tools()}:{SYSTEM_PATH}:{Path(sys.executable).parent}",
        }
        return self._start(unprivileged(root), command, directory, environment)

    def _postgres(self) -> dict[str, Any]:
        data = self._volume("/var/lib/postgresql") / "data"
        give([data.parent, data])
        data.chmod(0o700)
        environment = {**postgres.environment(self.spec.environment), "PATH": SYSTEM_PATH, "HOME": str(data)}
        return self._start(
            unprivileged(data.parent), postgres.command(data, self.port), data.parent, environment
        )

    def _volume(self, below: str) -> Path:
        """The folder of the named volume mounted at or below `below`, else one that is removed with the container."""
        for mount in self.spec.mounts:
            if mount.volume and mount.path.startswith(below):
                return self.volumes.folder(mount.volume)
        return self.folder / "files"

    def _start(
        self, prefix: list[str], command: list[str], directory: Path, environment: dict[str, str]
    ) -> dict[str, Any]:
        return {
            "command": [*prefix, *command],
            "directory": str(directory),
            "environment": environment,
            "restart": self.spec.restart,
            "stdin_open": self.spec.options.stdin_open,
        }

    def _command(self, root: Path) -> list[str]:
        entrypoint = self.spec.entrypoint if self.spec.entrypoint is not None else self.image["entrypoint"]
        given = self.spec.command
        if given is None:
            given = self.image["command"] if self.spec.entrypoint is None else []
        command = [*(entrypoint or []), *(given or [])]
        if not command:
            raise StartError(
                "neither the recipe nor the Dockerfile says what to run. Add CMD, or build.start"
            )
        program, *rest = command
        path = f"{self._tools()}:{SYSTEM_PATH}"
        own = inside(root, program) if "/" in program else None
        if own is None or not own.exists():
            if shutil.which(program, path=path) is None:
                raise NeedsEngine(
                    f"{program} is not installed on this host, whose programs the process runtime uses"
                )
        else:
            program = str(own)
        return [
            program,
            *(str(inside(root, a)) if a.startswith("/") and inside(root, a).is_file() else a for a in rest),
        ]

    def _tools(self) -> str:
        """A folder with `python`, which hosts often have as python3 only."""
        tools = self.folder / "tools"
        tools.mkdir(parents=True, exist_ok=True)
        if not (tools / "python").exists():
            (tools / "python").symlink_to(shutil.which("python3", path=SYSTEM_PATH) or sys.executable)
        return str(tools)


def keeper_command(folder: Path) -> list[str]:
    """The command that starts a keeper: standard library only, and nothing from our environment."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py")), str(folder)]


def keeper_environment() -> dict[str, str]:
    """The keeper's own environment."""
    return {"PATH": os.environ.get("PATH", SYSTEM_PATH), "LC_ALL": "C.UTF-8"}
