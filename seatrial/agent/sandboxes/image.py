"""The sandbox's image: a Python base and the program. Its name contains a digest of its content."""

import hashlib
from typing import Protocol

from seatrial.agent.builds.base import Images
from seatrial.agent.builds.standins import VERSION_LABEL
from seatrial.agent.engine import Engine
from seatrial.agent.engine.images import Image
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.program import SandboxProgram
from seatrial.agent.vocabulary.errors import EngineRefused, ImageUnavailable
from seatrial.agent.vocabulary.labels import CACHE
from seatrial.agent.vocabulary.logs import Log

REPOSITORY = "gitgrit-sandbox"
BASE = "python:3.13-slim"
PROMISED = (3, 13)  # what policies are promised, at least
PROGRAM_LABEL = "galley.sandbox.program"
DOCKERFILE = """\
FROM {base}
COPY seatrial /sandbox/seatrial
WORKDIR /sandbox
{environment}
ENTRYPOINT ["python3", "-B", "-s", "-m", "{module}"]
"""


def program_label(program: SandboxProgram) -> str:
    """What PROGRAM_LABEL says of an image with this program."""
    settings = " ".join(f"{name}={value}" for name, value in program.environment.items())
    return hashlib.sha256(f"{program.digest} {program.module} {settings}".encode()).hexdigest()[:16]


def python_of(image: Image) -> str:
    """The version of Python in it: as the official image says, or a stand-in; empty where neither does."""
    variables = dict(each.partition("=")[::2] for each in image.config.get("Env") or ())
    return variables.get("PYTHON_VERSION") or image.labels.get(VERSION_LABEL, "")


def outdated(python: str) -> list[str]:
    """A warning if `python` is older than what policies are promised, or not known."""
    numbers = tuple(int(part) for part in python.split(".")[:2] if part.isdecimal())
    if numbers >= PROMISED:
        return []
    wanted = ".".join(str(number) for number in PROMISED)
    return [
        f"policies run with Python {python or 'of an unknown version'}, and may need {wanted}. On this host, pull or load {BASE} "
        f"(docker pull {BASE}), or let apt reach a mirror with Debian 13; then restart the agent"
    ]


class ImageSource(Protocol):
    """Has the sandbox's image on the host."""

    async def ensure(self, log: Log) -> str:
        """The name of the image, which is on the host when this returns. Idempotent. Raises SandboxError or ImageUnavailable."""

    async def present(self) -> str | None:
        """The name of an image of this program that is on the host; None if there is none, and none is made. Raises SandboxError."""


class GivenImage:
    """The image that GITGRIT_SANDBOX_IMAGE names. It is neither made nor pulled, and its program must be this agent's own."""

    def __init__(self, engine: Engine, program: SandboxProgram, name: str) -> None:
        self._engine = engine
        self._program = program
        self._name = name

    async def ensure(self, log: Log) -> str:
        """See `ImageSource.ensure`."""
        try:
            image = await self._engine.images.get(self._name)
        except EngineRefused as error:
            raise SandboxError(
                f"GITGRIT_SANDBOX_IMAGE: {self._name} cannot be looked for: {error}"
            ) from error
        if image is None:
            raise SandboxError(
                f"GITGRIT_SANDBOX_IMAGE names {self._name}, which is not on this host: no policy runs. Load it (docker load), "
                "or pull it"
            )
        if image.labels.get(PROGRAM_LABEL) != program_label(self._program):
            raise SandboxError(
                f"GITGRIT_SANDBOX_IMAGE names {self._name}, which belongs to another release than this agent: no policy runs. "
                "Name the image that was built with the agent's, with the same tag"
            )
        return self._name

    async def present(self) -> str | None:
        """See `ImageSource.present`."""
        image = await self._found()
        ours = image is not None and image.labels.get(PROGRAM_LABEL) == program_label(self._program)
        return self._name if ours else None

    async def _found(self) -> Image | None:
        try:
            return await self._engine.images.get(self._name)
        except EngineRefused as error:
            raise SandboxError(
                f"GITGRIT_SANDBOX_IMAGE: {self._name} cannot be looked for: {error}"
            ) from error


class SandboxImage:
    """Builds the image once per content, through the engine's API and without running anything in it."""

    def __init__(self, engine: Engine, images: Images, program: SandboxProgram, base: str = BASE) -> None:
        self._engine = engine
        self._images = images
        self._program = program
        self._base = base

    async def ensure(self, log: Log) -> str:
        """See `ImageSource.ensure`. If the base is unavailable, an existing image with the same program is used."""
        try:
            base = await self._images.ensure(self._base, log)
        except ImageUnavailable:
            if tag := await self._built_before():
                await log(f"{self._base} is not available; {tag} was built from an earlier one")
                return tag
            raise
        return await self._ensure(base, log)

    async def present(self) -> str | None:
        """See `ImageSource.present`."""
        return await self._built_before()

    async def _ensure(self, base: str, log: Log) -> str:
        try:
            base_image = await self._engine.images.get(base)
            if base_image is None:
                raise SandboxError(
                    f"{base} vanished from the engine while the sandbox's image was built from it"
                )
            tag = f"{REPOSITORY}:{self._content(base_image.id)}"
            if await self._engine.images.get(tag) is None:
                await log(f"building {tag} from {base}")
                await self._build(tag, base)
        except EngineRefused as error:
            raise SandboxError(f"the sandbox's image cannot be built from {base}: {error}") from error
        return tag

    async def _built_before(self) -> str | None:
        try:
            images = await self._engine.images.list({PROGRAM_LABEL: program_label(self._program)})
        except EngineRefused as error:
            raise SandboxError(f"the sandbox's image cannot be looked for: {error}") from error
        tags = (tag for image in images for tag in image.tags)
        return next((tag for tag in tags if tag.startswith(f"{REPOSITORY}:")), None)

    def _content(self, base_identity: str) -> str:
        whole = f"{base_identity} {program_label(self._program)} {self._dockerfile('')} {PROGRAM_LABEL}"
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    async def _build(self, tag: str, base: str) -> None:
        context = self._program.archive({"Dockerfile": self._dockerfile(base).encode()})
        labels = {CACHE: "true", PROGRAM_LABEL: program_label(self._program)}
        await self._engine.images.build(context, tag, labels)

    def _dockerfile(self, base: str) -> str:
        environment = "\n".join(f"ENV {name}={value}" for name, value in self._program.environment.items())
        return DOCKERFILE.format(base=base, environment=environment, module=self._program.module)
