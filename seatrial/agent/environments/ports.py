"""Which of several ports of a service visitors get: the first of the recipe's list that speaks HTTP."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import Cause, Container, HealthCheck, Unwell

PASS_OVER_SECONDS = 5.0
NOT_FOR_VISITORS = frozenset(
    {22, 25, 465, 587, 1025, 5678, 9229, 9230, 35729}
)  # shells, mail, debuggers, reloads
ANY_ANSWER = HealthCheck(http_path="/", status=0)
_TELLING = (
    Cause.WRONG_ANSWER,
    Cause.TLS,
    Cause.NOT_HTTP,
    Cause.NO_ANSWER,
    Cause.NOTHING_THERE,
    Cause.NO_PORT,
    Cause.OWN_COMMAND,
)


@dataclass(frozen=True)
class Well:
    """A healthy service. `port` is where it answers, None if no port is needed."""

    container: Container
    port: int | None
    warning: str | None = None


class SeveralPorts:
    """Asks all ports of one list, again and again, until one has the address.

    One that does not answer is passed over when a later one has answered for a while, and at once if it never will.
    """

    def __init__(self, runtime: Runtime, network: str, service: str) -> None:
        self._runtime = runtime
        self._network = network
        self._service = service
        self._since: float | None = None  # when there first was something to choose

    async def choose(self, container: Container, ports: Sequence[int], check: HealthCheck) -> Well | Unwell:
        """Ask each once. A `check` without a path means that the service's own check has said that it is well."""
        # A debugger may speak HTTP, too.
        ports = [port for port in ports if port not in NOT_FOR_VISITORS] or ports
        told: dict[int, Unwell] = {}
        for port in ports:
            http = replace(check if check.http_path else ANY_ANSWER, port=port)
            unwell = await self._runtime.check(container, self._network, http)
            if unwell is None or unwell.cause is Cause.WRONG_ANSWER:
                if not self._pass_over(told):
                    continue
                if unwell is None or not check.http_path:
                    return Well(container, port, self._skipped(port, told))
                return unwell
            told[port] = unwell
        open_ports = [port for port in told if told[port].cause is not Cause.NOTHING_THERE]
        if not check.http_path and len(told) == len(ports) and open_ports and self._waited():
            return Well(container, open_ports[0])  # none speaks HTTP, as none needs to
        return most_telling(told)

    def _pass_over(self, earlier: Mapping[int, Unwell]) -> bool:
        never = (unwell.cause in {Cause.NOT_HTTP, Cause.TLS} for unwell in earlier.values())
        return all(never) or self._waited()

    def _waited(self) -> bool:
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since >= PASS_OVER_SECONDS

    def _skipped(self, port: int, earlier: Mapping[int, Unwell]) -> str | None:
        told = [f"{other} ({unwell.seen})" for other, unwell in earlier.items()]
        return f"{self._service}: visitors get port {port}, not {', '.join(told)}" if told else None


def most_telling(told: Mapping[int, Unwell]) -> Unwell:
    """Of what ports answered, the one that says most about what is wrong; of several the first."""
    return min(told.values(), key=lambda unwell: _TELLING.index(unwell.cause))
