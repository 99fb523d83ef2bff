"""Reports what runs, on every change and every 30 seconds, and keeps log followers on the running containers."""

import time
from collections.abc import Mapping

from seatrial.agent.environments.planner import Host, wanted
from seatrial.agent.environments.startup import Launched
from seatrial.agent.environments.streams import Streams
from seatrial.agent.environments.tools import Tools
from seatrial.agent.logs.following import Followers
from seatrial.agent.logs.shipping import Channel
from seatrial.agent.vocabulary.containers import Container, ContainerState
from seatrial.agent.vocabulary.labels import COMMAND, DEPLOYMENT, SERVICE
from seatrial.wire.deployments import DesiredEnvironment, EnvironmentObserved

EVERY_SECONDS = 30.0


class Observer:
    """What one environment last reported."""

    def __init__(self, tools: Tools, followers: Followers, environment: str) -> None:
        self._tools = tools
        self._followers = followers
        self._environment = environment
        self._streams = Streams()
        self._told: EnvironmentObserved | None = None
        self._told_at = 0.0

    def report_again(self) -> None:
        """Forget what was reported."""
        self._told = None

    async def observe(
        self, desired: DesiredEnvironment, host: Host, launched: Mapping[str, Launched]
    ) -> None:
        """Report when something differs from the last report, or 30 s have passed."""
        self._follow(desired, host)
        live = launched.get(desired.live.id) if desired.live else None
        if desired.live is not None and live is None:
            return  # the host is being looked at: a late report is better than a wrong one
        containers = {container.name: container for container in host.containers}
        await self._tools.ways.keep(self._environment, containers)
        seen = live.observed(desired.name, containers) if live else []
        observed = EnvironmentObserved(
            environment=self._environment,
            revision=desired.revision,
            deployment=desired.live.id if desired.live else None,
            services=await self._tools.ways.open(self._environment, seen),
            disk=self._tools.disks.of(self._environment) if self._tools.disks is not None else None,
            streams=self._streams.count(one.endpoint for one in seen if one.endpoint),
        )
        same = self._told is not None and observed.model_copy(update={"at": self._told.at}) == self._told
        if same and time.monotonic() - self._told_at < EVERY_SECONDS:
            return
        self._told, self._told_at = observed, time.monotonic()
        await self._tools.reports.observed(
            observed, workspace=desired.workspace, about=f"environment/{self._environment}"
        )

    def _follow(self, desired: DesiredEnvironment, host: Host) -> None:
        current = wanted(desired)
        newest = next(iter(reversed(current)), "")
        secretive = {one.id for one in (desired.live, desired.candidate) if one is not None and one.variables}
        for container in host.containers:
            deployment = container.labels.get(DEPLOYMENT) or newest
            if deployment in secretive and not self._tools.logs.masks.knows(self._environment, deployment):
                continue  # followed once it is known what to mask; nothing of its log is lost
            speaker = _speaker(container)
            if speaker and container.state is ContainerState.RUNNING and deployment in current:
                channel = Channel(desired.workspace, self._environment, deployment, speaker)
                self._followers.follow(container.name, channel)


def _speaker(container: Container) -> str:
    """Whose its lines are: a service's, or those of its `migrate` or `seed`; empty for what helps us, such as copying volumes."""
    service, command = container.labels.get(SERVICE, ""), container.labels.get(COMMAND)
    return f"{service}.{command}" if service and command else service
