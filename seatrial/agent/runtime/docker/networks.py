"""Networks and volumes."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker.fence import AGAIN_SECONDS, PreviewFence, interface
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.errors import EngineRefused, Refusal, RuntimeUnavailable, StartError
from seatrial.agent.vocabulary.labels import EGRESS, MANAGED
from seatrial.agent.vocabulary.whole import whole

log = structlog.get_logger(__name__)


class Networks:
    """The network and volume part of `Runtime`."""

    engine: Engine
    fence: PreviewFence

    @whole
    async def ensure_network(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime. Engines allow two networks of one name, so the lookup comes first. The rules come before the network,
        and so before any container on it."""
        async with self.fence.alone():
            there = await self._all_of_ours()
            await self.fence.stand(_egress(there | {name: there.get(name, labels)}))
            if name in there:
                return
            try:
                await self.engine.networks.create(name, labels, interface(name))
                self.fence.look_for(interface(name))
            except EngineRefused as error:
                raise StartError(_network_problem(name, error)) from error

    async def keep_fence(self) -> None:
        """Put up again what somebody removed. Idempotent."""
        if not self.fence.wanted:
            return
        async with self.fence.alone():
            await self.fence.stand(_egress(await self._all_of_ours()))

    async def run_fence(self) -> None:
        """Keep it up, for ever: others may remove rules at any time."""
        while True:
            try:
                await self.keep_fence()
            except RuntimeUnavailable as error:
                log.info("firewall rules wait for the engine", problem=str(error))
            await asyncio.sleep(AGAIN_SECONDS)

    async def _all_of_ours(self) -> dict[str, Mapping[str, str]]:
        """Also those of other agents that use this engine, who make the same rules."""
        return await self.engine.networks.list({MANAGED: "true"})

    @whole
    async def connect(self, container: str, network: str, aliases: Sequence[str]) -> None:
        """See Runtime."""
        try:
            present = await self.engine.containers.get(container)
            if present is None or network not in present.addresses:
                await self.engine.networks.join(network, container, aliases)
        except EngineRefused as error:
            raise StartError(f"cannot join {container} to {network}: {error}") from error

    async def list_networks(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return await self.engine.networks.list(labels)

    async def remove_network(self, name: str) -> None:
        """See Runtime. Whatever is still joined to it (a service that keeps data) is disconnected first."""
        try:
            await self.engine.networks.remove(name)
        except EngineRefused as error:
            raise StartError(f"cannot remove network {name}: {error}") from error

    @whole
    async def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime."""
        try:
            await self.engine.volumes.create(name, labels)
        except EngineRefused as error:
            raise StartError(f"cannot make volume {name}: {error}") from error

    async def list_volumes(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return await self.engine.volumes.list(labels)

    async def remove_volume(self, name: str) -> None:
        """See Runtime."""
        try:
            await self.engine.volumes.remove(name)
        except EngineRefused as error:
            raise StartError(f"cannot remove volume {name}: {error}") from error


def _egress(networks: Mapping[str, Mapping[str, str]]) -> dict[str, Egress]:
    """{network: egress}. One that does not say, of an older release, or says what we do not know, reaches the internet."""
    known = {egress.value: egress for egress in Egress}
    return {name: known.get(labels.get(EGRESS, ""), Egress.INTERNET) for name, labels in networks.items()}


def _network_problem(name: str, error: EngineRefused) -> str:
    if error.refusal is Refusal.NO_SUBNET:
        return (
            f"cannot make network {name}: the engine has no free subnet left. Close previews that are not "
            'needed, or add "default-address-pools": [{"base": "10.213.0.0/16", "size": 26}] to '
            "/etc/docker/daemon.json and restart the engine"
        )
    return f"cannot make network {name}: {error}"
