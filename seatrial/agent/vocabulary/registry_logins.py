"""The registry logins of a project: which there are for a deployment, and the one that a pull needs, requested just before it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from seatrial.agent.vocabulary.errors import NoRegistryLogin
from seatrial.wire.registries import RegistryLogin


class RegistryLoginSource(Protocol):
    """Provides logins."""

    async def __call__(self, environment: str, deployment: str, registry: str) -> RegistryLogin:
        """The login for `registry`. May take a minute; raises NoRegistryLogin, which says why there is none."""


async def no_source(_environment: str, _deployment: str, registry: str) -> RegistryLogin:
    """The `RegistryLoginSource` of an agent without a control plane."""
    raise NoRegistryLogin(f"nobody gives this agent a login for {registry}")


async def _none(registry: str) -> RegistryLogin:
    raise NoRegistryLogin(f"there is no login for {registry}")


@dataclass(frozen=True)
class ProjectLogins:
    """What the images of one deployment may be pulled with. `known`: the id of each login, by its registry; `ask` gets one.

    `forks`: the deployment is a fork's, which gets logins that are for forks, and no others.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[str], Awaitable[RegistryLogin]] = _none
    forks: bool = False


NO_LOGINS = ProjectLogins()
