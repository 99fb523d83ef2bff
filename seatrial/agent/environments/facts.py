"""What services are like when their deployment is ready: for policies that look at previews."""

import asyncio
from collections.abc import Mapping, Sequence

from seatrial.agent.environments.launch import Planned
from seatrial.agent.environments.startup import Launched
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import Container
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.deployments import ObservedService, ServiceFacts

PATIENCE_SECONDS = 3.0  # for all of it: a preview is not held up by what few look at


async def with_facts(
    runtime: Runtime,
    launched: Launched,
    services: Sequence[ObservedService],
    containers: Mapping[str, Container],
) -> list[ObservedService]:
    """`services` with their facts, as far as they are known in time."""
    tasks = {
        planned.service.name: asyncio.create_task(_facts(runtime, launched, planned, container))
        for planned in launched.launch.services
        if (container := containers.get(planned.spec.name)) is not None
    }
    try:
        if tasks:
            await asyncio.wait(tasks.values(), timeout=PATIENCE_SECONDS)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return [service.model_copy(update={"facts": _known(tasks.get(service.name))}) for service in services]


def _known(task: asyncio.Task[ServiceFacts] | None) -> ServiceFacts | None:
    """None also where the engine failed: whoever needs it says so."""
    if task is None or task.cancelled() or isinstance(task.exception(), AgentError):
        return None
    return task.result()


async def _facts(
    runtime: Runtime, launched: Launched, planned: Planned, container: Container
) -> ServiceFacts:
    image = planned.spec.image
    listeners = await runtime.listening(container, launched.launch.network)
    listening = [one.port for one in listeners if not one.loopback]
    well = launched.well.get(planned.service.name)
    unseen = not listening and well is not None and well.port is not None  # it answers, so it listens
    given = [container.port] if container.port is not None else []
    health = planned.service.health
    checked = [health.port] if health is not None and health.port is not None else []
    declared = {*planned.service.ports, *await runtime.image_ports(image), *given, *checked}
    return ServiceFacts(
        image=planned.service.image or "",
        image_bytes=await runtime.image_bytes(image),
        user=container.user,
        listening=None if unseen or container.state.over else sorted(set(listening)),
        declared=sorted(declared),
        restarts=container.restarts,
        exit_code=container.exit_code,
    )
