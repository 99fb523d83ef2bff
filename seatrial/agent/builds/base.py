"""The contract that every builder of images keeps.

Concurrency: calls run together up to the caller's cap. Cancellation ends the build's whole process tree and
leaves no half image. Retries: none; the caller decides. A builder never sees a secret it was not given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from seatrial.agent.recipes.recipe import Build
from seatrial.agent.vocabulary.logs import Log
from seatrial.agent.vocabulary.registry_logins import NO_LOGINS, ProjectLogins


@dataclass(frozen=True)
class BuildRequest:
    """Build `build` in the exported tree `context_root` and put the result on the host as `tag`."""

    service: str
    build: Build
    context_root: Path
    tag: str
    labels: Mapping[str, str]
    cache_scope: str  # layers are shared within a project's scope, never across workspaces
    no_cache: bool = False
    secrets: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # {id: value}, for steps that mount them
    ssh: Mapping[str, str] = field(default_factory=dict, repr=False)  # {id: private key}, likewise
    content: str = ""  # a hash of all that it is made from but its base images; empty: not known
    siblings: Mapping[str, str] = field(
        default_factory=dict
    )  # {service: its image}, of those that it takes from
    logins: ProjectLogins = NO_LOGINS  # for its base images
    seconds: int | None = (
        None  # since 1970: the time of every file that is made, so that the same input gives the same bytes
    )


@dataclass(frozen=True)
class Facts:
    """What builds on this host, what is wrong with it (a sentence for people each, with the fix), and what it lacks because somebody chose
    it so."""

    called: str
    problems: Sequence[str] = ()
    lacks: Sequence[str] = ()


class Builder(Protocol):
    """See the module's contract."""

    name: str

    async def build(self, request: BuildRequest, log: Log) -> None:
        """Build; the image is on the runtime's host as `tag` when this returns. Raises BuildError, ImageUnavailable, NoSpace."""


class Images(Protocol):
    """Where images that are not built come from."""

    async def ensure(self, image: str, log: Log, logins: ProjectLogins = NO_LOGINS) -> str:
        """Return a reference that is on the host: `image` itself when it is there or can be pulled, else its
        stand-in built from the distribution's packages (saying so through `log`). What was pulled with one of `logins` is
        there for those alone who have that login. Raises ImageUnavailable, naming what was tried, and NoRegistryLogin."""
