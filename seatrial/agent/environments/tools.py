"""The dependencies of environments, passed in by the program: tests can replace every one."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from seatrial.agent.builds.base import Builder, Images
from seatrial.agent.builds.pulled import PulledImages
from seatrial.agent.bus.reports import Reports
from seatrial.agent.doors import Direct, Ways
from seatrial.agent.environments.build_queue import BuildQueue
from seatrial.agent.environments.disk import DiskWatch
from seatrial.agent.environments.snapshots import CopyImage
from seatrial.agent.logs.shipping import LogShipping
from seatrial.agent.recipes.recipe import Recipe
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.calm import Calm
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.credentials import CredentialSource
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.registry_logins import RegistryLoginSource, no_source
from seatrial.agent.vocabulary.tree import Checkouts, Tree
from seatrial.agent.vocabulary.variables import VariableSource

MOST = Resources(cpus=4, memory_mb=4096)
TOTAL = Resources(
    cpus=40, memory_mb=20_480
)  # as many services as a preview may have, each with the usual limits


@dataclass
class Load:
    """Problems of the host, and what its caches hold; sent in every heartbeat."""

    warnings: dict[str, str] = field(default_factory=dict)
    caches_mb: dict[str, int] = field(default_factory=dict)  # that the agent's own caches hold, by `DiskKind`


class ReadRecipe(Protocol):
    """See `recipes.reader.read_recipe`."""

    def __call__(
        self, tree: Tree, variables: Mapping[str, str], defaults: Resources, /, *, folder: str
    ) -> Awaitable[Recipe]:
        """The recipe in the folder of the tree; empty: at its root."""


@dataclass(frozen=True)
class Tools:
    """Shared by all environments of one agent. `build_queue` caps builds across all of them."""

    agent: str
    directory: Path
    runtime: Runtime
    checkouts: Checkouts
    credentials: CredentialSource
    read_recipe: ReadRecipe
    builder: Builder
    images: Images
    reports: Reports
    logs: LogShipping
    variables: VariableSource
    build_queue: BuildQueue
    defaults: Resources
    min_free_mb: int
    most: Resources = MOST  # the limit for one service, whatever a recipe asks for
    total: Resources = TOTAL  # and for all services of a preview together
    egress: Egress = Egress.INTERNET  # what the operator set
    load: Load = field(default_factory=Load)
    kept: PulledImages | None = None  # None: no image is ever collected
    disks: DiskWatch | None = None  # None: nobody looks
    copy_image: CopyImage | None = None  # None: volumes cannot be copied here
    registries: RegistryLoginSource = no_source
    ways: Ways = field(default_factory=Direct)  # how the ingress reaches services
    previews: Calm = field(default_factory=Calm)  # disturbed while one is brought up
