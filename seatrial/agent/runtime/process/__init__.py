"""Services as plain processes. No isolation: for trying out only, and only code you trust.

Every object is a folder of records; every service has a keeper process that outlives the agent. Networks are names:
services listen on loopback, on a port given to them in PORT, and siblings' addresses in environment values are
replaced accordingly. CPU and memory limits are not enforced.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from seatrial.agent.builds.processes.records import Records, read_json, write_json
from seatrial.agent.commands.children import detached, gone
from seatrial.agent.commands.people import give
from seatrial.agent.runtime.asking import ask
from seatrial.agent.runtime.process import logs, probes
from seatrial.agent.runtime.process.starting import KeeperPlan, keeper_command, keeper_environment
from seatrial.agent.vocabulary.containers import (
    Change,
    Container,
    ContainerSpec,
    ContainerState,
    HealthCheck,
    Listener,
    Unwell,
)
from seatrial.agent.vocabulary.disk import Disk
from seatrial.agent.vocabulary.errors import StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT
from seatrial.agent.vocabulary.whole import whole
from seatrial.ports import find_free
from seatrial.wire.logs import LogLine
from seatrial.wire.words import RuntimeKind

LOOPBACK = "127.0.0.1"
LOOK_SECONDS = 1.0
PAUSE_GRACE_SECONDS = 5.0
WITHOUT_WALLS = "nothing keeps in the bare processes of GALLEY_RUNTIME=process. Start an agent with Docker"


class ProcessRuntime:
    """`Runtime` without an engine. See the contract in `seatrial.agent.runtime.base`."""

    name = RuntimeKind.PROCESS
    warnings: Sequence[str] = ()

    def __init__(self, directory: Path) -> None:
        self.images = Records(directory / "images")
        self._networks = Records(directory / "networks")
        self._volumes = Records(directory / "volumes")
        self._containers = Records(directory / "containers")
        directory.mkdir(parents=True, exist_ok=True)

    async def ping(self) -> None:
        """See Runtime."""

    async def uncontained(self) -> str:
        """See Runtime."""
        return WITHOUT_WALLS

    async def unlimited(self) -> str:
        """See Runtime."""
        return WITHOUT_WALLS

    async def ensure_network(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime."""
        if self._networks.read(name) is None:
            self._networks.write(name, {"labels": dict(labels), "ports": {}})

    async def disk(self, labels: Mapping[str, str]) -> Disk:
        """See Runtime."""
        return Disk()

    async def connect(self, container: str, network: str, aliases: Sequence[str]) -> None:
        """See Runtime."""
        record = self._containers.read(container)
        if record is None:
            raise StartError(f"{container} is not running")
        self._containers.write(container, {**record, "networks": sorted({*record["networks"], network})})
        self._announce(network, aliases, record["port"])

    async def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime."""
        if self._volumes.read(name) is None:
            self._volumes.write(name, {"labels": dict(labels)})
            give([self._volumes.folder(name)])

    async def has_image(self, image: str) -> bool:
        """See Runtime."""
        return self.images.read(image) is not None

    async def image_check(self, image: str) -> HealthCheck | None:
        """See Runtime. None: a HEALTHCHECK refers to the image's file system, which does not exist here."""
        return None

    async def image_labels(self, image: str) -> Mapping[str, str]:
        """See Runtime."""
        return dict((self.images.read(image) or {}).get("labels", {}))

    async def image_volumes(self, image: str) -> list[str]:
        """See Runtime."""
        return [str(p) for p in (self.images.read(image) or {}).get("volumes", [])]

    async def image_ports(self, image: str) -> list[int]:
        """See Runtime."""
        return list((self.images.read(image) or {}).get("ports", []))

    async def image_bytes(self, image: str) -> int | None:
        """See Runtime. Of a folder, nobody knows."""
        return None

    def left_out(self, spec: ContainerSpec) -> list[str]:
        """See Runtime. Of options, a bare process has its open input, and its time to end."""
        options = spec.options
        lacks = {
            "tty": options.tty,
            "hostname": options.hostname,
            "init": options.init,
            "read_only": options.read_only,
            "tmpfs": options.tmpfs,
            "shm_size": options.shm_size_mb,
            "sysctls": options.sysctls,
            "cap_drop": options.without_capabilities,
            "ulimits": options.ulimits,
            "extra_hosts": options.extra_hosts,
            "stop_signal": options.stop_signal,
            "network_mode (all processes share the host's network)": spec.network_of,
        }
        return [name for name, asked in lacks.items() if asked]

    @whole
    async def start(self, spec: ContainerSpec) -> Container:
        """See Runtime."""
        present = await self.get(spec.name)
        if (
            present
            and present.labels.get(FINGERPRINT) == spec.labels.get(FINGERPRINT)
            and present.state is ContainerState.RUNNING
        ):
            return present
        await self.remove(spec.name)
        image = self.images.read(spec.image)
        if image is None:
            raise StartError(f"there is no image {spec.image}")
        folder = self._containers.folder(spec.name)
        port = find_free()
        host = self._containers.read(spec.network_of) if spec.network_of else None
        networks = list(host["networks"]) if host else list(spec.networks)
        plan = KeeperPlan(spec, image, self._volumes, folder, self._ports(networks), port).plan()
        self._containers.write(
            spec.name,
            {
                "labels": dict(spec.labels),
                "image": spec.image,
                "networks": networks,
                "port": port,
                "network_of": spec.network_of,
                "stop_seconds": spec.options.stop_seconds,
            },
        )
        for network, aliases in spec.networks.items():
            self._announce(network, aliases, port)
        write_json(folder / "start.json", plan)
        await self._keep(folder)
        return await self.get(spec.name) or Container(
            spec.name, spec.labels, ContainerState.EXITED, 127, {}, spec.image
        )

    async def _keep(self, folder: Path) -> None:
        """Start a keeper that is not our child, and wait until it reports that it runs."""
        await detached(keeper_command(folder), environment=keeper_environment())
        for _ in range(1000):
            if read_json(folder / "state.json"):
                return
            await asyncio.sleep(0.01)
        raise StartError(f"nothing was started in {folder}; the host is overloaded or its disk is full")

    def _ports(self, networks: Sequence[str]) -> dict[str, int]:
        ports: dict[str, int] = {}
        for network in networks:
            ports |= (self._networks.read(network) or {"ports": {}})["ports"]
        return ports

    def _announce(self, network: str, aliases: Sequence[str], port: int) -> None:
        record = self._networks.read(network) or {"labels": {}, "ports": {}}
        self._networks.write(
            network, {**record, "ports": {**record["ports"], **dict.fromkeys(aliases, port)}}
        )

    async def get(self, name: str) -> Container | None:
        """See Runtime."""
        record = self._containers.read(name)
        return None if record is None else self._container(record)

    def _container(self, record: Mapping[str, Any]) -> Container:
        folder = self._containers.folder(record["name"])
        noted = read_json(folder / "state.json") or {"state": "created", "exit_code": None, "restarts": 0}
        state = ContainerState(noted["state"])
        kept = keeper_of(folder) is not None
        alive = kept or state is ContainerState.EXITED
        pid = noted.get("process")
        running = kept and state is ContainerState.RUNNING and pid
        return Container(
            name=record["name"],
            labels=record["labels"],
            state=state if alive else ContainerState.EXITED,
            exit_code=noted["exit_code"] if alive else 137,
            addresses=dict.fromkeys(record["networks"], LOOPBACK),
            image=record["image"],
            started_at=datetime.fromisoformat(noted["started_at"]) if "started_at" in noted else None,
            restarts=noted["restarts"],
            network_of=record.get("network_of"),
            stop_seconds=record.get("stop_seconds"),
            port=probes.port_in_use(int(pid), record["port"]) if running and pid else record["port"],
        )

    async def check(self, container: Container, network: str, check: HealthCheck) -> Unwell | None:
        """See Runtime."""
        if check.command is not None:
            plan = read_json(self._containers.folder(container.name) / "start.json") or {}
            return await probes.command(list(check.command), plan, check.ask_seconds)
        return await ask(LOOPBACK, check)

    async def listening(self, container: Container, network: str) -> list[Listener]:
        """See Runtime."""
        state = read_json(self._containers.folder(container.name) / "state.json") or {}
        return [Listener(port) for port in probes.ports_of(state.get("process") or 0)]

    async def list_containers(self, labels: Mapping[str, str]) -> list[Container]:
        """See Runtime."""
        return [self._container(record) for record in self._containers.matching(labels)]

    async def list_networks(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return {record["name"]: record["labels"] for record in self._networks.matching(labels)}

    async def list_volumes(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return {record["name"]: record["labels"] for record in self._volumes.matching(labels)}

    async def list_images(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return {record["name"]: record["labels"] for record in self.images.matching(labels)}

    async def stop(self, name: str, grace_seconds: float) -> None:
        """See Runtime."""
        folder = self._containers.folder(name)
        keeper = keeper_of(folder)
        if keeper is None:
            return
        with contextlib.suppress(psutil.Error):
            keeper.send_signal(signal.SIGTERM)
        await ended(folder, grace_seconds)
        await self._end(folder)

    async def pause(self, name: str) -> None:
        """See Runtime: they are ended."""
        await self.stop(name, PAUSE_GRACE_SECONDS)

    async def unpause(self, name: str) -> None:
        """See Runtime: none is ever paused."""

    @whole
    async def remove(self, name: str) -> None:
        """See Runtime."""
        folder = self._containers.folder(name)
        await self._end(folder)
        await asyncio.to_thread(self._containers.remove, name)

    async def _end(self, folder: Path) -> None:
        """Kill the keeper, first of all so that it starts nothing again, and everything below it."""
        keeper = keeper_of(folder)
        if keeper is None:
            return
        family = [keeper]
        with contextlib.suppress(psutil.Error):
            family += keeper.children(recursive=True)
        for process in family:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # also processes it has started since we looked
            with contextlib.suppress(psutil.Error):
                process.kill()
        await gone(family)  # they may still write into a folder that is removed next

    async def remove_network(self, name: str) -> None:
        """See Runtime."""
        self._networks.remove(name)

    async def remove_volume(self, name: str) -> None:
        """See Runtime."""
        await asyncio.to_thread(self._volumes.remove, name)

    async def remove_image(self, reference: str) -> None:
        """See Runtime."""
        if all(record["image"] != reference for record in self._containers.matching({})):
            await asyncio.to_thread(self.images.remove, reference)

    async def logs(
        self, name: str, *, follow: bool, tail: int | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogLine]:
        """See Runtime."""
        folder = self._containers.folder(name)
        async for line in logs.read(
            folder / "log", tail, since, lambda: follow and keeper_of(folder) is not None
        ):
            yield line

    async def changes(self, labels: Mapping[str, str]) -> AsyncIterator[Change]:
        """See Runtime. Polls once a second."""
        before = {container.name: container for container in await self.list_containers(labels)}
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = {container.name: container for container in await self.list_containers(labels)}
            for name in before.keys() | now.keys():
                was, is_now = before.get(name), now.get(name)
                if summary(was) != summary(is_now):
                    yield Change(
                        name, (is_now or was or now[name]).labels, is_now.state if is_now else "destroy"
                    )
            before = now


def summary(container: Container | None) -> dict[str, Any] | None:
    """The facts about a container that make up a change when they differ."""
    return None if container is None else {**asdict(container), "port": None}


def keeper_of(folder: Path) -> psutil.Process | None:
    """The running keeper; None if it has ended. Its command line distinguishes it from a later process with its pid."""
    noted = read_json(folder / "state.json")
    if noted is None:
        return None
    try:
        process = psutil.Process(noted["keeper"])
        return process if str(folder) in process.cmdline() else None
    except psutil.Error:
        return None


async def ended(folder: Path, seconds: float) -> None:
    """Wait at most `seconds` until the keeper has ended. A pid that still exists proves nothing: an init may never reap it."""
    for _ in range(int(seconds / 0.02)):
        if keeper_of(folder) is None:
            return
        await asyncio.sleep(0.02)
