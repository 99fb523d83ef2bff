"""Containers, by name."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiodocker.containers import DockerContainer

from seatrial.agent.engine.attached import Attached
from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.executions import Execution
from seatrial.agent.engine.sealed import SealedSpec, sealed_config
from seatrial.agent.engine.shapes import GVISOR, container_config, container_from, label_filter
from seatrial.agent.vocabulary.containers import Container, ContainerSpec
from seatrial.agent.vocabulary.errors import EngineRefused

# Else ctrl-p, ctrl-q would end the connection: nobody types this.
NO_KEYS = "ctrl-^,ctrl-],ctrl-^,ctrl-_,ctrl-],ctrl-^"
PATH_STATE = "X-Docker-Container-Path-Stat"


@dataclass(frozen=True)
class HostProcess:
    """A container as its host sees it. `pid` is its first process, 0 if it does not run."""

    pid: int
    gvisor: bool


class Containers:
    """See the room's contract."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _named(self, name: str) -> DockerContainer:
        return self._connection.api.containers.container(name)

    async def create(self, spec: ContainerSpec) -> None:
        """Create a container, joined to the first of its networks, without starting it. `unpack` adds its files."""
        with self._connection.calls():
            await self._connection.api.containers.create(container_config(spec), name=spec.name)

    async def create_sealed(self, spec: SealedSpec) -> None:
        """Create a sealed container without starting it. It removes itself when it ends."""
        with self._connection.calls():
            await self._connection.api.containers.create(sealed_config(spec), name=spec.name)

    async def unpack(self, name: str, archive: Path) -> None:
        """Put the files of a tar archive into the container, below its root."""
        with archive.open("rb") as tar, self._connection.calls():
            await self._named(name).put_archive("/", tar)  # type: ignore[no-untyped-call]

    async def mount_targets(self, name: str) -> list[str]:
        """Every path at which something is mounted when it runs: what was asked for, and VOLUMEs of its image."""
        with self._connection.calls():
            shown = await self._named(name).show()
        mounted = [str(mount["Destination"]) for mount in shown["Mounts"] or []]
        return [*mounted, *(shown["HostConfig"].get("Tmpfs") or {})]

    async def link(self, name: str, path: str) -> str | None:
        """Where the symbolic link `path` leads to inside it, in the end; None if it is none, or not there. Links among the
        folders above are followed, too."""
        request = self._connection.request("HEAD", f"containers/{name}/archive", params={"path": path})
        try:
            async with request as answer:
                known = json.loads(base64.b64decode(answer.headers[PATH_STATE]))
        except EngineRefused as error:
            if error.absent:
                return None
            raise
        return str(known["linkTarget"]) or None

    async def keep_down(self, name: str) -> None:
        """From now on the engine does not start the container again when it ends. It may be running."""
        body = json.dumps({"RestartPolicy": {"Name": "no"}}).encode()
        path, headers = f"containers/{name}/update", {"Content-Type": "application/json"}
        async with self._connection.request("POST", path, params={}, data=body, headers=headers):
            pass

    async def start(self, name: str) -> None:
        """Start the container; a no-op if it runs."""
        with self._connection.calls():
            await self._named(name).start()

    async def stop(self, name: str, grace_seconds: float) -> None:
        """Ask the container to end, and kill it after `grace_seconds`."""
        try:
            with self._connection.calls():
                await self._named(name).stop(t=max(0, round(grace_seconds)))
        except EngineRefused as error:
            if error.status != 304 and not error.absent:  # 304: it does not run
                raise

    async def pause(self, name: str) -> None:
        """Freeze the container, which runs."""
        with self._connection.calls():
            await self._named(name).pause()

    async def unpause(self, name: str) -> None:
        """Let the container, which is frozen, go on."""
        with self._connection.calls():
            await self._named(name).unpause()

    async def remove(self, name: str) -> None:
        """Kill and remove the container and its anonymous volumes. Raises EngineRefused (BEING_REMOVED) while another
        removal is under way."""
        try:
            with self._connection.calls():
                await self._named(name).delete(force=True, v=True)
        except EngineRefused as error:
            if not error.absent:
                raise

    async def get(self, name: str) -> Container | None:
        """The container as it is now; None if it does not exist."""
        try:
            with self._connection.calls():
                return container_from(await self._named(name).show())
        except EngineRefused as error:
            if error.absent:
                return None
            raise

    async def host_process(self, name: str) -> HostProcess:
        """The container as its host sees it now."""
        with self._connection.calls():
            shown = await self._named(name).show()
        return HostProcess(int(shown["State"]["Pid"]), shown["HostConfig"]["Runtime"] == GVISOR)

    async def written(self, name: str) -> Path | None:
        """The folder of its host with the files that the container has written; None: the engine does not say."""
        with self._connection.calls():
            shown = await self._named(name).show()
        upper = ((shown.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir")
        return Path(upper) if upper else None

    async def runtime(self, name: str) -> str:
        """What the engine runs the container with: its `HostConfig.Runtime`. Raises EngineRefused (absent) if it is gone."""
        with self._connection.calls():
            shown = await self._named(name).show()
        return str(shown["HostConfig"].get("Runtime") or "")

    async def hardware_address(self, name: str, network: str) -> str:
        """The container's address on the wires of `network`; empty if it is not on it, or does not run."""
        with self._connection.calls():
            shown = await self._named(name).show()
        joined = (shown["NetworkSettings"].get("Networks") or {}).get(network) or {}
        return str(joined.get("MacAddress") or "")

    async def ids(self, labels: Mapping[str, str]) -> list[str]:
        """Ids (usable as names) of all containers that carry every one of `labels`, running or not."""
        filters = json.dumps(label_filter(labels))
        with self._connection.calls():
            containers = await self._connection.api.containers.list(all=True, filters=filters)
        return [container.id for container in containers]

    async def execute(self, name: str, command: Sequence[str]) -> Execution:
        """A command inside the container, created but not started."""
        with self._connection.calls():
            return Execution(self._connection, await self._named(name).exec(list(command)))

    async def execute_by_hand(
        self, name: str, command: Sequence[str], *, terminal: bool, fed: bool, environment: Mapping[str, str]
    ) -> Execution:
        """A command inside the container, created but not started, with its user and its folder. `fed`: it gets input."""
        with self._connection.calls():
            created = await self._named(name).exec(
                list(command),
                stdin=fed,
                tty=terminal,
                environment=dict(environment),
                detach_keys=NO_KEYS,
            )
        return Execution(self._connection, created)

    async def has_executions(self, name: str) -> bool:
        """Whether commands were executed in it that the engine still knows."""
        with self._connection.calls():
            shown = await self._named(name).show()
        return bool(shown.get("ExecIDs"))

    async def attach(self, name: str) -> Attached:
        """The container's standard streams from now on; attach before the start to miss nothing. The caller closes them."""
        with self._connection.calls():
            stream = self._named(name).attach(stdin=True, stdout=True, stderr=True)
            try:
                await stream.__aenter__()
            except BaseException:
                await stream.close()
                raise
        return Attached(stream)
