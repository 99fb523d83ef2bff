"""Finds the container of a service, and begins what a tunnel is for there."""

from seatrial.agent.engine import Engine
from seatrial.agent.environments.names import owned_by
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.tunnels.commands import Command
from seatrial.agent.tunnels.connections import Connection
from seatrial.agent.tunnels.far import Far
from seatrial.agent.tunnels.leftovers import Leftovers
from seatrial.agent.vocabulary.containers import Container, ContainerState
from seatrial.agent.vocabulary.errors import EngineRefused, RuntimeUnavailable
from seatrial.agent.vocabulary.labels import DEPLOYMENT, SERVICE
from seatrial.wire.tunnels import Carries, OpenTunnel


class CannotOpen(Exception):
    """The far end cannot be reached. The text is a sentence for whoever asked."""


class Opening:
    """For the previews of one agent."""

    def __init__(self, runtime: Runtime, agent: str) -> None:
        self._runtime = runtime
        self._agent = agent

    async def open(self, asked: OpenTunnel) -> Far:
        """The far end, which the caller closes. Raises CannotOpen."""
        try:
            container = await self._container(asked)
            if asked.carries == Carries.COMMAND:
                return await self._command(container, asked)
            return await self._connection(container, asked)
        except EngineRefused as error:
            raise CannotOpen(f"The command cannot run in {asked.service}: {error.said or error}") from error
        except RuntimeUnavailable as error:
            raise CannotOpen(f"The engine of the preview's host does not answer: {error}") from error

    async def end_leftovers(self) -> None:
        """End what an earlier process of this agent left behind."""
        if isinstance(self._runtime, DockerRuntime):
            containers = await self._runtime.list_containers(owned_by(self._agent))
            running = [one.name for one in containers if one.state is ContainerState.RUNNING]
            await Leftovers(self._engine, self._agent).end_all(running)

    @property
    def _engine(self) -> Engine:
        if not isinstance(self._runtime, DockerRuntime):
            raise CannotOpen("This preview runs as bare processes: there is no container to get into.")
        return self._runtime.engine

    async def _container(self, asked: OpenTunnel) -> Container:
        _ = self._engine
        there = await self._runtime.list_containers(owned_by(self._agent, asked.environment))
        ours = [one for one in there if one.labels.get(DEPLOYMENT, asked.deployment) == asked.deployment]
        named = [one for one in ours if one.labels.get(SERVICE) == asked.service]
        if not named:
            services = ", ".join(sorted({one.labels.get(SERVICE, "") for one in ours} - {""})) or "none"
            raise CannotOpen(f"There is no service {asked.service} in this preview. There are: {services}.")
        if named[0].state is not ContainerState.RUNNING:
            raise CannotOpen(f"The service {asked.service} does not run: it is {named[0].state}.")
        return named[0]

    async def _command(self, container: Container, asked: OpenTunnel) -> Far:
        leftovers = Leftovers(self._engine, self._agent, asked.tunnel)
        return await Command.begin(self._engine, container.name, asked, leftovers)

    async def _connection(self, container: Container, asked: OpenTunnel) -> Far:
        problem = "it has no address"
        for address in container.addresses.values():
            try:
                return await Connection.to(address, asked.port)
            except TimeoutError:
                problem = "it does not answer"
            except OSError as error:
                problem = error.strerror or str(error)
        raise CannotOpen(
            f"Nothing is reached at port {asked.port} of {asked.service}: {problem}. "
            "It must listen on all addresses of its container, not only on 127.0.0.1."
        )
