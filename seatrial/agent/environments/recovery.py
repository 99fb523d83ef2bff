"""Services of the live deployment that began again: `restarting` until they are well, as visitors see it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from seatrial.agent.environments.health import Watch
from seatrial.agent.environments.launch import Planned
from seatrial.agent.environments.planner import Host
from seatrial.agent.environments.startup import Launched
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import Container, ContainerState
from seatrial.agent.vocabulary.errors import AgentError, Unhealthy
from seatrial.wire.words import ServiceState

PAUSE_SECONDS = 1.0


class Recovery:
    """One watch for each container that runs again since it last was well. Nothing is started or stopped here.

    `changed` is called when a service is well, or has been unwell for as long as a start may take. A watch ends when its
    container does: the next one's begin has a watch of its own.
    """

    def __init__(self, runtime: Runtime, changed: Callable[[], None]) -> None:
        self._runtime = runtime
        self._changed = changed
        self._watches: dict[str, asyncio.Task[None]] = {}

    def look(self, launched: Launched, host: Host) -> None:
        """Begin the watches that are missing."""
        self._watches = {name: watch for name, watch in self._watches.items() if not watch.done()}
        containers = {container.name: container for container in host.containers}
        for planned in launched.launch.services:
            container = containers.get(planned.spec.name)
            if container is not None and self._began_again(launched, planned, container):
                launched.trouble[planned.service.name] = ServiceState.RESTARTING
                watch = self._watch(launched, planned, container)
                self._watches[container.name] = asyncio.create_task(watch)

    def _began_again(self, launched: Launched, planned: Planned, container: Container) -> bool:
        well = launched.well.get(planned.service.name)
        if well is None or planned.one_shot or container.state is not ContainerState.RUNNING:
            return False
        return well.container.started_at != container.started_at and container.name not in self._watches

    async def _watch(self, launched: Launched, planned: Planned, container: Container) -> None:
        name = planned.service.name
        known = launched.well[name].port
        if (
            known is not None
        ):  # visitors stay where they are, even if another of its ports answers sooner this time
            planned = replace(planned, service=replace(planned.service, ports=(known,)))
        while True:
            watch = Watch(self._runtime, planned, launched.launch.network, restarts=container.restarts)
            try:
                launched.well[name] = await watch.until_well()
                launched.trouble.pop(name, None)
                self._changed()
                return
            except Unhealthy:
                launched.trouble[name] = ServiceState.UNHEALTHY
                self._changed()
                await asyncio.sleep(PAUSE_SECONDS)
            except AgentError:  # it has ended again, or the engine is away
                return

    async def close(self) -> None:
        """End the watches."""
        watches = list(self._watches.values())
        self._watches.clear()
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
