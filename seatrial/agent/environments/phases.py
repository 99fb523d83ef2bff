"""The phases of a deployment, timed and reported as they begin and end."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from seatrial.agent.bus.reports import Reports
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.deployments import DeploymentPhase
from seatrial.wire.envelope import now
from seatrial.wire.words import Phase


class Phases:
    """Reports the phases of one deployment, unless `silent`: nobody waits for the repair of a live deployment."""

    def __init__(
        self, reports: Reports, workspace: str, environment: str, deployment: str, *, silent: bool = False
    ) -> None:
        self._reports = reports
        self._workspace = workspace
        self._environment = environment
        self._deployment = deployment
        self._silent = silent

    @asynccontextmanager
    async def phase(self, phase: Phase, service: str = "") -> AsyncIterator[None]:
        """Report the beginning of the phase, then its end, even if it failed; report no end if cancelled."""
        started, clock = now(), time.monotonic()

        async def tell(seconds: float | None, *, failed: bool = False) -> None:
            if self._silent:
                return
            event = DeploymentPhase(
                environment=self._environment,
                deployment=self._deployment,
                phase=phase.named(service),
                started_at=started,
                seconds=seconds,
                failed=failed,
            )
            await self._reports.observed(
                event, workspace=self._workspace, about=f"deployment/{self._deployment}"
            )

        await tell(None)
        try:
            yield
        except AgentError:
            await tell(time.monotonic() - clock, failed=True)
            raise
        await tell(time.monotonic() - clock)
