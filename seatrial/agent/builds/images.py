"""Images that nobody builds: on the host, pulled, or stood in for."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from seatrial.agent.builds.pulled import PulledImages
from seatrial.agent.builds.references import (
    BY_DIGEST,
    asked_for,
    kept_as,
    login_registry,
    named,
    registry_of,
    whole_name,
)
from seatrial.agent.builds.registries.answers import RegistrySilent, SignInNeeded
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import AgentError, ImageUnavailable
from seatrial.agent.vocabulary.labels import MANAGED
from seatrial.agent.vocabulary.logs import Log
from seatrial.agent.vocabulary.registry_logins import NO_LOGINS, ProjectLogins
from seatrial.wire.registries import RegistryLogin

REMEMBER_SECONDS = 60.0  # pause before a registry that did not answer is asked again
LIMITS_SECONDS = 3600.0  # for which it is said that a registry limits pulls: it counts by the hour, or longer


class StandIns(Protocol):
    """Replacements for images that no registry provides."""

    async def ensure(self, image: str, why: str, log: Log) -> str | None:
        """A reference on the host that stands in for `image`, None when there is none for it."""


class Pulls(Protocol):
    """Takes images from registries."""

    async def pull(self, image: str, log: Log, login: RegistryLogin | None = None) -> None:
        """See `registries.puller.Puller.pull`."""


@dataclass
class EngineImages:
    """`Images` that are already on the engine; it pulls nothing."""

    engine: Engine

    async def ensure(self, image: str, log: Log, logins: ProjectLogins = NO_LOGINS) -> str:
        """See `Images.ensure`. An image built for a preview is refused, by whatever name it is requested."""
        reference = await self._found(asked_for(image))
        if reference is None:
            raise ImageUnavailable(f"{image}: not on this host")
        return reference

    async def _found(self, image: str, login: str = "") -> str | None:
        """Its name on the engine: what it is asked for by, or what it is called since it was pulled, also with the login of this id."""
        for reference in dict.fromkeys((image, kept_as(image), kept_as(image, login))):
            known = await self.engine.images.get(reference)
            if known is not None:
                if MANAGED in known.labels:
                    raise ImageUnavailable(f"{image} was built for a preview. Build it from its own source")
                return reference
        return None


@dataclass
class DockerImages(EngineImages):
    """`Images` on the engine, pulled or stood in for. Calls for one image wait for each other.

    What was pulled with a project's login has a name that only that login leads to: see ADR 90.
    """

    stand_ins: StandIns
    pulls: Pulls
    clock: Callable[[], float] = time.monotonic
    kept: PulledImages | None = None  # None: nothing is ever collected
    in_place: Mapping[str, str] = field(default_factory=dict)  # see `image_names.in_place`
    _silent: dict[str, tuple[float, RegistrySilent]] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _limits: dict[str, tuple[float, RegistrySilent]] = field(default_factory=dict)

    @property
    def limited(self) -> list[RegistrySilent]:
        """The registries that wanted to be asked less in the last LIMITS_SECONDS, and from which nothing came since."""
        return [silent for until, silent in self._limits.values() if self.clock() < until]

    async def ensure(self, image: str, log: Log, logins: ProjectLogins = NO_LOGINS) -> str:
        """See `EngineImages.ensure`."""
        image = await self._taken(image, log)
        login = logins.known.get(login_registry(image), "")
        if reference := await self._there(image, login):
            return reference
        async with self._locks.setdefault(kept_as(image, login), asyncio.Lock()):
            if reference := await self._there(image, login):
                return reference
            try:
                return await self._pulled(image, log, login, logins)
            except SignInNeeded as refusal:
                if logins.forks:
                    refusal.add("Previews of forks get the logins that are set for forks, and no others")
                raise
            except RegistrySilent as silent:
                return await self._stood_in(image, silent, log)

    async def _taken(self, image: str, log: Log) -> str:
        """The image that the operator has in its place, or itself."""
        whole = whole_name(asked_for(image))
        for other, place in self.in_place.items():
            if whole_name(named(other)) == whole:
                await log(f"base {image} taken as {place}")
                return named(place)
        return asked_for(image)

    async def _there(self, image: str, login: str) -> str | None:
        """As `_found`; from now on it is not collected for a while."""
        if self.kept is None:
            return await self._found(image, login)
        async with self.kept.gate:
            reference = await self._found(image, login)
            if reference is not None:
                self.kept.note(reference)
            return reference

    async def _stood_in(self, image: str, silent: RegistrySilent, log: Log) -> str:
        try:
            reference = await self.stand_ins.ensure(image, str(silent), log)
        except AgentError as error:
            raise ImageUnavailable(
                f"{image}: {silent}, and its stand-in could not be built: {error}"
            ) from error
        if reference is None:
            raise ImageUnavailable(
                f"{image}: not on this host, {silent}, and no stand-in is made for it. "
                f"On the agent's host, load it (docker load), or {silent.fix}"
            )
        return reference

    async def _pulled(self, image: str, log: Log, known_login: str, logins: ProjectLogins) -> str:
        if whole_name(image).startswith(f"{whole_name(BY_DIGEST)}:"):
            raise ImageUnavailable(
                f"{image} is Seatrial's name for an image that was pulled by its digest. Write the image's own name"
            )
        registry = f"{registry_of(image)} {known_login}"  # limits are those of a login, or of nobody's
        until, known = self._silent.get(registry, (0.0, None))
        if known and self.clock() < until:
            raise known
        login = await logins.ask(login_registry(image)) if known_login else None
        await log(f"pulling {image}" + (", signed in with the login of the project" if login else ""))
        try:
            await self.pulls.pull(image, log, login)
        except RegistrySilent as silent:
            self._silent[registry] = (self.clock() + REMEMBER_SECONDS, silent)
            if silent.limits:
                self._limits[registry] = (self.clock() + LIMITS_SECONDS, silent)
            await log(f"{image}: {silent}")
            raise
        self._limits.pop(registry, None)
        found = await self._found(image, login.id if login else "")
        if reference := found:  # it was refused if it pretends to be a preview's
            if self.kept is not None:
                self.kept.note(reference, pulled=True)
            return reference
        raise ImageUnavailable(f"{image} vanished from the engine after it was pulled. Rebuild")
