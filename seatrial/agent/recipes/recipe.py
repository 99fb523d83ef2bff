"""The one shape that every kind of recipe is read into.

Precedence in a commit's root, or in the folder that the project names: galley.yml (or .yaml), then what COMPOSE_FILE names, compose.yaml, compose.yml,
docker-compose.yml, docker-compose.yaml, then Dockerfile; without any, what `seatrial.detection` makes of its
files. Errors are `RecipeError` with `file:line: key: problem. Fix.`
"""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.agent.vocabulary.containers import Copy, HealthCheck, Mount, Resources, RestartPolicy, Text
from seatrial.agent.vocabulary.options import Options
from seatrial.detection import Plan
from seatrial.wire.states import ServiceKind

GALLEY_FILES = ("galley.yml", "galley.yaml")
DOCKERFILE = "Dockerfile"


def is_galley(source: str) -> bool:
    """Whether a recipe's path is that of a galley.yml."""
    return posixpath.basename(source) in GALLEY_FILES


def is_dockerfile(source: str) -> bool:
    """Whether a recipe is a Dockerfile alone."""
    return posixpath.basename(source) == DOCKERFILE


@dataclass(frozen=True)
class Contexts:
    """Further contexts of a build, by the names that its Dockerfile uses in FROM and `from=`. Folders are paths of the repository."""

    folders: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.folders or self.images or self.services)


@dataclass(frozen=True)
class Build:
    """How an image is made. Paths are relative to the repository's root, never outside it."""

    path: str = "."
    dockerfile: str = DOCKERFILE  # relative to `path`
    dockerfile_inline: str = ""  # the Dockerfile itself, in place of a file
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    contexts: Contexts = field(default_factory=Contexts)

    @property
    def dockerfile_path(self) -> str:
        """The Dockerfile's path in the repository."""
        return posixpath.normpath(posixpath.join(self.path, self.dockerfile))


@dataclass(frozen=True)
class Service:
    """One service. No `ports`: taken from the image's EXPOSE, else from what it listens on."""

    name: str
    kind: ServiceKind
    build: Build | None = None
    image: str | None = None
    ports: Sequence[int] = ()  # inside the container; the first of them that speaks HTTP has the address
    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    working_dir: str | None = None
    user: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[str] = ()  # further names by which siblings reach it
    depends_on: Sequence[str] = ()
    wait_for_exit: Sequence[str] = ()  # dependencies that must have ended with 0 first (compose: completed)
    restart: RestartPolicy = RestartPolicy.UNLESS_STOPPED
    keeps_data: bool = False  # inferred from a volume of its own, not from its kind
    ephemeral: bool = False
    health: HealthCheck | None = None
    image_check: bool = True  # False: the image's own HEALTHCHECK is not asked
    resources: Resources | None = None
    mounts: Sequence[Mount] = ()
    copies: Sequence[Copy] = ()
    texts: Sequence[Text] = ()
    options: Options = field(default_factory=Options)
    migrate: Sequence[str] | None = None  # a command, at each deployment before the service starts
    seed: Sequence[str] | None = None  # a command, once for the data of an environment
    network_of: str | None = None  # runs in the network of this service (compose: network_mode: service:name)

    @property
    def port(self) -> int | None:
        """The port that is known before it runs."""
        return next(iter(self.ports), None)

    @property
    def comes_after(self) -> list[str]:
        """Every service that is started before it."""
        return [*self.depends_on, *([self.network_of] if self.network_of else [])]

    @property
    def names(self) -> list[str]:
        """Every name by which siblings reach it."""
        return [self.name, *self.aliases]


@dataclass(frozen=True)
class Recipe:
    """All services of a commit, in the file's order, with warnings (what may be wrong) and notes (what nobody need act on)."""

    source: str  # the file it was read from
    services: Mapping[str, Service]
    warnings: Sequence[str] = ()
    given_kinds: frozenset[str] = frozenset()  # services whose kind is given in the file, not guessed
    composed: bool = False  # from a compose file
    places: Mapping[str, str] = field(default_factory=dict)  # service: `file:line` of its build, or of itself
    notes: Sequence[str] = ()
    detected: Plan | None = None  # what its Dockerfile was made from, where the commit has no recipe

    def in_order(self) -> list[Service]:
        """The services, each after those it depends on. The parser has refused cycles."""
        done: dict[str, Service] = {}

        def visit(name: str) -> None:
            if name in done:
                return
            service = self.services[name]
            for dependency in service.comes_after:
                visit(dependency)
            done[name] = service

        for name in self.services:
            visit(name)
        return list(done.values())
