"""Names and labels on the host of everything that belongs to one environment.

Names carry a piece of the environment's id: several platforms may share one engine.
"""

from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.vocabulary.labels import AGENT, DEPLOYMENT, ENVIRONMENT, KIND, MANAGED, SERVICE, WORKSPACE
from seatrial.wire.deployments import DesiredEnvironment
from seatrial.wire.hostnames import slug
from seatrial.wire.states import ServiceKind


def short(identifier: str) -> str:
    """Six characters of a ULID's random part."""
    return identifier[-6:].lower()


@dataclass(frozen=True)
class Names:
    """Names within one environment of one agent."""

    agent: str
    environment: str
    name: str
    workspace: str

    @classmethod
    def of(cls, agent: str, desired: DesiredEnvironment) -> "Names":
        """The names of `desired` on `agent`'s host."""
        return cls(agent, desired.environment, desired.name, desired.workspace)

    @property
    def prefix(self) -> str:
        """The beginning of every name."""
        return f"galley-{self.name}-{short(self.environment)}"

    def network(self, deployment: str) -> str:
        """The name of a deployment's network. Each deployment has its own, so versions never talk to each other."""
        return f"{self.prefix}-{short(deployment)}"

    def container(self, service: str, deployment: str | None) -> str:
        """The container's name; without a deployment, that of a service that keeps data and outlives deployments."""
        return f"{self.prefix}-{short(deployment)}-{service}" if deployment else f"{self.prefix}-{service}"

    def command(self, command: str, service: str, deployment: str) -> str:
        """The name of the container that runs a command of a service. No service's name begins with a hyphen."""
        return f"{self.prefix}-{short(deployment)}--{command}-{service}"

    def mark(self, mark: str, about: str) -> str:
        """The name of a volume that only says something of the data. The names of all others begin with `prefix`."""
        return f"galley.{self.name}-{short(self.environment)}.{mark}.{about}"

    def volume(self, volume: str) -> str:
        """The name of a volume on the host. Named volumes belong to the environment."""
        return f"{self.prefix}-{volume}"

    def image(self, service: str, digest: str) -> str:
        """Built images are named after what they were built from: the same content is not built twice. An image's name has
        only lower-case letters, whatever a service's name has."""
        return f"galley/{self.name}-{short(self.environment)}/{slug(service)}:{digest[:16]}"

    def labels(
        self, *, deployment: str | None = None, service: str = "", kind: ServiceKind | None = None
    ) -> dict[str, str]:
        """Labels of one object; `deployment` is None if it outlives deployments."""
        labels = owned_by(self.agent, self.environment) | {WORKSPACE: self.workspace}
        if deployment:
            labels[DEPLOYMENT] = deployment
        if service:
            labels[SERVICE] = service
        if kind is not None:
            labels[KIND] = kind.value
        return labels


def owned_by(agent: str, environment: str | None = None) -> dict[str, str]:
    """The labels that identify the objects of this agent (and of this environment)."""
    labels = {MANAGED: "true", AGENT: agent}
    return labels | ({ENVIRONMENT: environment} if environment else {})


def tree_folder(data_directory: Path, environment: str, deployment: str) -> Path:
    """Where a deployment's files are while it is built."""
    return data_directory / "builds" / environment / deployment
