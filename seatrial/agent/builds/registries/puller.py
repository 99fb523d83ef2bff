"""Pulls images: buildah fetches one in a cell behind the fence, and the engine is given the finished archive.

The engine itself would ask as root, in its host's network, whatever address a registry sends it to.
"""

import asyncio
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from seatrial.agent.builds import loading
from seatrial.agent.builds.account import PULLER, Account, ensure_account
from seatrial.agent.builds.attempts import repeated
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.isolation import refused
from seatrial.agent.builds.references import kept_as, registry_of
from seatrial.agent.builds.registries.answers import Login, Reach, RegistrySilent, closed
from seatrial.agent.builds.registries.configuration import Configuration
from seatrial.agent.builds.registries.fence import PullFence
from seatrial.agent.builds.registries.logins import Logins
from seatrial.agent.builds.registries.pull import Limits, Pull
from seatrial.agent.commands import logged
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.addresses import Address
from seatrial.agent.vocabulary.build_isolation import BuildIsolation
from seatrial.agent.vocabulary.errors import BuilderFailed
from seatrial.agent.vocabulary.logs import Log, quiet
from seatrial.agent.vocabulary.whole import whole
from seatrial.wire.registries import RegistryLogin


@dataclass
class Puller:
    """Below `folder`, each pull has a store of its own, which is removed after it.

    Concurrency: any number of pulls of several images run together; the caller has calls for one image wait for each other.
    Cancellation ends the pull's whole process tree, and the engine has the whole image or nothing of it. Retries: what was killed, and nothing else. `folder` belongs to this one agent: leftovers of a killed one are removed at the first pull.
    """

    engine: Engine
    folder: Path
    allowed: tuple[Address, ...] = ()  # on the host or in its network, opened by the operator
    certificates: Path | None = None  # a PEM bundle to trust instead of the host's
    limits: Limits = field(default_factory=Limits)
    isolation: BuildIsolation = BuildIsolation.USERNS
    logins: Logins = field(default_factory=Logins)
    fence: PullFence = field(default_factory=PullFence)
    _account: Account | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _removals: set[asyncio.Task[None]] = field(default_factory=set)

    async def pull(self, image: str, log: Log, login: RegistryLogin | None = None) -> None:
        """The engine has `image` as `kept_as(image, login.id)` when this returns. `login` goes before the operator's. Raises RegistrySilent if it may be stood in for, else
        ImageUnavailable, NoSpace, BuildError or BuilderFailed, also where the isolation cannot be kept."""
        if why := refused(self.isolation):
            raise BuilderFailed(f"{image} is not pulled: {why}")
        await repeated(lambda: self._pull(image, login), log, image)

    async def _pull(self, image: str, own: RegistryLogin | None) -> None:
        """One attempt. Raises Interrupted as well."""
        configuration = Configuration(await self.engine.registries(), self.allowed)
        if await configuration.leads_nowhere(image):  # known at once: a stand-in is waited for
            raise RegistrySilent(f"{registry_of(image)} does not answer")
        login = await asyncio.to_thread(self.logins.of, configuration.registries(image), own)
        account = await self._known_account()
        opened = await self.fence.raise_for(account, configuration.opened())
        cell = Cell(self.folder / secrets.token_hex(8), "pull", account, self.isolation)
        reach = Reach(own_addresses(), opened, fenced=account.other)
        if self.isolation is BuildIsolation.CHROOT and await configuration.is_closed(image, reach):
            raise closed(
                registry_of(image)
            )  # slirp4netns says nothing of a connection that the fence refuses
        used = Login.PROJECT if own is not None else Login.OPERATOR if login else Login.NONE
        name = kept_as(image, own.id if own is not None else "")
        pull = Pull(image, cell, self.certificates, self.limits, reach, login, used, name)
        try:
            await pull.prepare(await configuration.file(image))
            await pull.fetch(configuration.proxies())
            await loading.load(self.engine, pull.archive(), image)
        finally:  # nobody waits for it: of a large image it takes seconds
            removal = asyncio.create_task(remove(cell.data, account))
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)

    async def _known_account(self) -> Account:
        async with self._lock:
            if self._account is None:
                account = await ensure_account(PULLER)
                for left in self.folder.glob("*"):
                    await remove(left, account)
                self._account = account
            return self._account


def own_addresses() -> frozenset[str]:
    """Every address of this host."""
    return frozenset(address.address for listed in psutil.net_if_addrs().values() for address in listed)


@whole
async def remove(folder: Path, account: Account) -> None:
    """What an ordinary user pulled belongs to subordinate ids, and can only be removed in a user namespace."""
    if account.other:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    else:
        environment = Cell(folder, "pull", account).environment()
        command = ["buildah", "unshare", "rm", "-rf", str(folder)]
        await logged.run(command, quiet, environment=environment, timeout_seconds=600)
