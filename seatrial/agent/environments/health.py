"""Waits until a service is healthy, and finds out which port it answers on.

Without a check in the recipe, the image's own HEALTHCHECK is used. Without that, web and api services answer GET /
with anything below 500 within 60 s; services that keep data accept TCP connections; everything else still runs
after one second, or has ended with 0 when it is meant to end.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from seatrial.agent.environments import advice
from seatrial.agent.environments.launch import Planned
from seatrial.agent.environments.ports import SeveralPorts, Well, most_telling
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import Cause, Container, HealthCheck, Unwell
from seatrial.agent.vocabulary.errors import ServiceExited, Unhealthy
from seatrial.agent.vocabulary.logs import decisive

SETTLE_SECONDS = 1.0
TAIL_LINES = 40
KILLED = 137
MAX_RESTARTS = 5  # a service may wait for another one by crashing; more restarts are a crash loop
FIRST_PAUSE_SECONDS = 0.1  # before the first restart; doubled for each one after, as engines do
FIRST_INTERVAL_SECONDS = 0.05
OFTEN_SECONDS = 0.25
LONGEST_INTERVAL_SECONDS = 1.0
StartAgain = Callable[[Planned, Container], Awaitable[Container]]
_USUAL_PORTS = (80, 8080, 8000, 3000, 5000, 4000, 8888, 9000)


class Watch:
    """Watches one service until it is healthy.

    `restarts` is the container's earlier count: the engine counts over the container's whole life. `start_again` starts a
    container that has ended and `stays_down` though its policy says otherwise; without it, such an end is final here.
    """

    def __init__(
        self,
        runtime: Runtime,
        planned: Planned,
        network: str,
        *,
        restarts: int = 0,
        start_again: StartAgain | None = None,
    ) -> None:
        self._runtime = runtime
        self._planned = planned
        self._network = network
        self._name = planned.service.name
        self._check = planned.service.health
        self._exit_code: int | None = None
        self._several = SeveralPorts(runtime, network, planned.service.name)
        self._restarts_before = restarts
        self._start_again = start_again
        self._started_again = 0

    async def until_well(self) -> Well:
        """Wait until the service is healthy. Raises ServiceExited, or Unhealthy when the time is up."""
        expected = await self._expected_ports()
        self._check = self._check or await self._images_own() or default_check(self._planned)
        began, interval = time.monotonic(), FIRST_INTERVAL_SECONDS
        while True:
            container = await self._running()
            if container is None:
                return await self._ended()
            elapsed = time.monotonic() - began
            if self._check is None:
                if elapsed >= SETTLE_SECONDS:
                    return Well(container, None)
            else:
                asked = time.monotonic()
                state = await self._ask(container, expected, elapsed)
                if time.monotonic() - asked >= self._check.ask_seconds:
                    interval = max(interval, self._check.interval_seconds)  # it may hang
                if isinstance(state, Well):
                    return state
                if elapsed > self._check.timeout_seconds:
                    raise await self._unhealthy(container, expected, state)
            await asyncio.sleep(interval)
            interval = min(interval * 1.5, self._longest(elapsed))

    def _longest(self, elapsed: float) -> float:
        """The longest pause between checks: short at first, then a twentieth of the time waited so far."""
        often = self._check.interval_seconds if self._check else OFTEN_SECONDS
        return min(
            LONGEST_INTERVAL_SECONDS, max(FIRST_INTERVAL_SECONDS, min(often, OFTEN_SECONDS), elapsed / 20)
        )

    async def until_ended(self) -> None:
        """Wait for a service that is meant to end. Raises ServiceExited unless it ended with 0."""
        limit = self._planned.service.health.timeout_seconds if self._planned.service.health else 600.0
        began = time.monotonic()
        while await self._running() is not None:
            if time.monotonic() - began > limit:
                raise Unhealthy(
                    f"{self._name} has not ended after {limit:g} s, but other services wait for its end",
                    service=self._name,
                    log_tail=await self._tail(),
                )
            await asyncio.sleep(0.1)

    async def _expected_ports(self) -> list[int]:
        service = self._planned.service
        if service.health is not None and service.health.port is not None:
            return [service.health.port]
        if service.ports:
            return list(service.ports)
        return await self._runtime.image_ports(self._planned.spec.image)

    async def _images_own(self) -> HealthCheck | None:
        service = self._planned.service
        return await self._runtime.image_check(self._planned.spec.image) if service.image_check else None

    async def _running(self) -> Container | None:
        """The container; None if it ended successfully and was meant to end. Raises ServiceExited."""
        container = await self._runtime.get(self._planned.spec.name)
        if container is None:
            raise ServiceExited(f"{self._name} was removed by somebody else", service=self._name)
        if container.exit_code is not None:
            self._exit_code = container.exit_code
        if container.state.over:
            if self._planned.one_shot and container.exit_code == 0:
                return None
            return await self._again(container)
        if container.restarts - self._restarts_before >= MAX_RESTARTS:
            raise await self._exited(container)
        return container

    async def _again(self, container: Container) -> Container:
        """As the engine would, where it does not. Raises ServiceExited where its end is final."""
        left_to_us = container.stays_down and self._planned.service.restart.comes_back(container.exit_code)
        if self._start_again is None or not left_to_us or self._started_again >= MAX_RESTARTS:
            raise await self._exited(container)
        await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**self._started_again)
        self._started_again += 1
        return await self._start_again(self._planned, container)

    async def _ended(self) -> Well:
        container = await self._runtime.get(self._planned.spec.name)
        assert container is not None
        return Well(container, None)

    async def _ask(self, container: Container, expected: Sequence[int], elapsed: float) -> Well | Unwell:
        """Check the expected ports; if none is known or none answers, look which ports it listens on.

        A health command inside comes first, but it does not prove that the port can be reached from outside.
        """
        assert self._check is not None
        check, routable = self._check, self._planned.service.kind.routable
        ports = [container.port] if container.port else list(expected)
        if check.command is not None:
            if (unwell := await self._runtime.check(container, self._network, check)) is not None:
                return unwell
            if not routable:
                return Well(container, ports[0] if ports else None)
            check = HealthCheck()
        listed = bool(self._planned.service.ports)
        if listed and routable and len(ports) > 1 and container.port is None:
            return await self._several.choose(container, ports, check)
        unwell = Unwell("listens on no port", Cause.NO_PORT)
        if ports:
            found = await self._runtime.check(container, self._network, replace(check, port=ports[0]))
            if found is None:
                return Well(container, ports[0])
            unwell = found
        if listed or container.port is not None or (ports and elapsed < SETTLE_SECONDS):
            return unwell
        return await self._discover(container, expected, check, unwell)

    async def _discover(
        self, container: Container, expected: Sequence[int], check: HealthCheck, unwell: Unwell
    ) -> Well | Unwell:
        ports = [p.port for p in await self._runtime.listening(container, self._network) if not p.loopback]
        told: dict[int, Unwell] = {}
        for port in likely_first(ports, expected):
            found = await self._runtime.check(container, self._network, replace(check, port=port))
            if found is None:
                return Well(container, port, self._surprise(port, expected))
            told[port] = found
        return most_telling(told) if told else unwell

    def _surprise(self, port: int, expected: Sequence[int]) -> str | None:
        if not expected or port in expected:
            return None
        said = ", ".join(map(str, expected))
        return f"{self._name}: its image says EXPOSE {said}, but it listens on {port}; {port} is used"

    async def _exited(self, container: Container) -> ServiceExited:
        code = container.exit_code if container.exit_code is not None else self._exit_code
        if code == KILLED and not container.oom_killed:
            # A busy engine learns of the end before it learns of its reason.
            await asyncio.sleep(SETTLE_SECONDS)
            container = await self._runtime.get(container.name) or container
        times = container.restarts - self._restarts_before + self._started_again + 1
        tail = await self._tail()
        if container.oom_killed:
            return ServiceExited(
                advice.out_of_memory(self._planned, times), service=self._name, log_tail=tail
            )
        said = decisive(tail)
        text = advice.ended(self._planned, code, times, said)
        return ServiceExited(text, service=self._name, log_tail=tail, said=said)

    async def _unhealthy(self, container: Container, expected: Sequence[int], unwell: Unwell) -> Unhealthy:
        assert self._check is not None
        listening = await self._runtime.listening(container, self._network)
        text = advice.unhealthy(self._planned, unwell, self._check.timeout_seconds, listening, expected)
        return Unhealthy(text, service=self._name, log_tail=await self._tail(), said=unwell.said)

    async def _tail(self) -> list[str]:
        lines = self._runtime.logs(self._planned.spec.name, follow=False, tail=TAIL_LINES)
        return [line.text[:2_000] async for line in lines]


def default_check(planned: Planned) -> HealthCheck | None:
    """The check of a service whose recipe has none; None: it only has to keep running."""
    kind = planned.service.kind
    if kind.routable:
        return HealthCheck(http_path="/", status=0)
    if kind.keeps_data:
        return HealthCheck()
    return None


def likely_first(ports: Sequence[int], expected: Sequence[int]) -> list[int]:
    """Ports in the order to try them: expected ones, then the usual ones, then ascending."""
    order = [*expected, *_USUAL_PORTS]
    return sorted(ports, key=lambda port: (order.index(port) if port in order else len(order), port))
