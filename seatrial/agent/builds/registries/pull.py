"""One image on its way from a registry: into a store that only this pull has, and out of it as an archive."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from seatrial import files
from seatrial.agent.builds import archive, space, trust
from seatrial.agent.builds.account import Account
from seatrial.agent.builds.attempts import Interrupted
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.references import kept_as, registry_of, whole_name
from seatrial.agent.builds.registries.answers import REPEATS, Login, Reach, RegistrySilent, problem_of
from seatrial.agent.builds.registries.progress import Stalled, moving
from seatrial.agent.commands import logged
from seatrial.agent.vocabulary.errors import BuildError, NoSpace
from seatrial.agent.vocabulary.logs import Log, quiet

log = structlog.get_logger(__name__)

IDENTITY = re.compile(r"[0-9a-f]{64}")
CONFIGURATION, LOGIN, ARCHIVE = "registries.conf", "auth.json", "image.tar"
ENGINES_CERTIFICATES = Path("/etc/docker/certs.d")  # a folder for each HOST:PORT
HOME = ("out", "home")
CERTIFICATES = (".config", "containers", "certs.d")  # where buildah looks for the same, below its home


@dataclass(frozen=True)
class Limits:
    """When a pull is given up. `stalled_seconds`: nothing has come for so long."""

    least_free_mb: int = 0
    stalled_seconds: float = 45.0
    longest_seconds: float = 3600.0


class Decided(Exception):
    """buildah would go on trying, but has said what is wrong."""


@dataclass(frozen=True)
class Pull:
    """See the module; Puller says in which order its methods are called."""

    image: str
    cell: Cell
    certificates: Path | None
    limits: Limits
    reach: Reach
    login: str = field(default="", repr=False)  # an authentication file
    used: Login = Login.NONE  # whose is in it for the image's registry
    kept: str = ""  # the image's name on the engine; empty: as `kept_as` has it

    async def prepare(self, configuration: str) -> None:
        """Make the cell, with `configuration` as its registries.conf. Raises BuildError."""
        await asyncio.to_thread(self._prepare, configuration)

    def _prepare(self, configuration: str) -> None:
        self.cell.data.parent.mkdir(parents=True, exist_ok=True)
        self.cell.prepare()
        tools = self.cell.data / "tools"
        files.replace(tools / CONFIGURATION, configuration)
        if self.certificates:
            files.replace(tools / trust.FILE, trust.bundle(self.certificates))
        hand_over(ENGINES_CERTIFICATES, self.cell.outside(*HOME, *CERTIFICATES), self.cell.account)
        if self.login:
            keep_login(self.login, self.cell.outside(*HOME, LOGIN), self.cell.account)

    async def fetch(self, proxies: Mapping[str, str]) -> None:
        """Have the image, and its archive. Raises RegistrySilent, ImageUnavailable, NoSpace, BuildError or Interrupted."""
        environment = {**self.cell.environment(), **proxies, "HOME": self.cell.folder("scope", *HOME)}
        if self.certificates:
            environment["SSL_CERT_FILE"] = self.cell.folder("tools", trust.FILE)
        said = await self._pulled(self._command(), environment)
        identity = next(line for line in reversed(said) if IDENTITY.fullmatch(line))
        await self._archived(identity)

    def _command(self) -> list[str]:
        options = ["--registries-conf", self.cell.folder("tools", CONFIGURATION), "--log-level", "debug"]
        if self.login:
            options += ["--authfile", self.cell.folder("scope", *HOME, LOGIN)]
        source = f"docker://{whole_name(self.image)}"
        return self.cell.buildah("pull", "--quiet", *options, source, store="bases", network=True)

    async def _pulled(self, command: list[str], environment: Mapping[str, str]) -> Sequence[str]:
        """What buildah printed, if all went well."""

        async def heed(line: str) -> None:
            if REPEATS.search(line):
                raise Decided(line)

        running = self._run(command, heed, environment)
        try:
            ended = await moving(running, self.cell.data, self.limits.stalled_seconds)
        except (Stalled, TimeoutError) as error:
            raise RegistrySilent(f"{registry_of(self.image)} does not answer") from error
        except Decided as decided:
            raise self._problem(str(decided)) from None
        if ended.code:
            told = [line for line in ended.tail if line.startswith("Error:")]
            if not told:
                raise Interrupted(f"its pull ended with exit code {ended.code} and no message")
            raise self._problem(told[-1])
        return list(ended.tail)

    def _problem(self, said: str) -> Exception:
        log.info("not pulled", image=self.image, said=said[:1000])  # stays here: it may quote a server
        return problem_of(self.image, registry_of(self.image), said, self.reach, self.used)

    async def _archived(self, identity: str) -> None:
        name = self.kept or kept_as(self.image)
        target = f"docker-archive:{self.cell.folder('scope', 'out', ARCHIVE)}:{name}"
        command = self.cell.buildah("push", "--quiet", identity, target, store="bases")
        ended = await self._run(command, quiet, self.cell.environment())
        if ended.code:
            said = " ".join(ended.tail)
            if "no space left" in said:
                raise NoSpace(
                    f"{self.image}: no space left while it was pulled. Free disk space, then rebuild"
                )
            raise BuildError(f"{self.image} was pulled, but could not be handed to the engine: {said[-500:]}")

    async def _run(self, command: Sequence[str], heed: Log, environment: Mapping[str, str]) -> logged.Ended:
        """Ended before it fills the disk. Raises NoSpace or TimeoutError."""
        limits = self.limits
        running = logged.run(command, heed, environment=environment, timeout_seconds=limits.longest_seconds)
        return await space.watched(running, self.cell.data, limits.least_free_mb, self.image)

    async def archive(self) -> AsyncIterator[bytes]:
        """The archive in chunks. Its folder is the puller's: a link there is not followed."""
        with archive.opened(self.cell.outside("out", ARCHIVE)) as file:
            while chunk := await asyncio.to_thread(file.read, archive.CHUNK):
                yield chunk


def keep_login(login: str, target: Path, account: Account) -> None:
    """For the account alone. It is removed with the cell."""
    files.replace(target, login, mode=0o400)
    os.chown(target, account.uid, account.gid)


def hand_over(known: Path, target: Path, account: Account) -> None:
    """The certificates of registries, and the keys that they want to see, for the account alone."""
    target.mkdir(parents=True)
    for file in known.glob("*/*"):
        if file.suffix in {".crt", ".cert", ".key"} and file.is_file():
            copied = target / file.parent.name / file.name
            copied.parent.mkdir(exist_ok=True)
            files.replace(copied, file.read_bytes(), mode=0o400)
    home = target.parents[len(CERTIFICATES) - 1]
    for path in (home, *home.rglob("*")):
        os.chown(path, account.uid, account.gid)
