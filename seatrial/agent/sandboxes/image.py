"""The sandbox's image: a Python base and the program. Its name contains a digest of its content."""

import hashlib

from seatrial.agent.builds.base import Images
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.program import SandboxProgram
from seatrial.agent.vocabulary.errors import EngineRefused, ImageUnavailable
from seatrial.agent.vocabulary.labels import CACHE
from seatrial.agent.vocabulary.logs import Log

REPOSITORY = "gitgrit-sandbox"
BASE = "python:3.11-slim"
PROGRAM_LABEL = "galley.sandbox.program"
DOCKERFILE = """\
FROM {base}
COPY seatrial /sandbox/seatrial
WORKDIR /sandbox
{environment}
ENTRYPOINT ["python3", "-B", "-s", "-m", "{module}"]
"""


class SandboxImage:
    """Builds the image once per content, through the engine's API and without running anything in it."""

    def __init__(self, engine: Engine, images: Images, program: SandboxProgram, base: str = BASE) -> None:
        self._engine = engine
        self._images = images
        self._program = program
        self._base = base

    async def ensure(self, log: Log) -> str:
        """The name of the image, which is on the host when this returns. Idempotent. Raises SandboxError or ImageUnavailable.

        If the base is unavailable, an existing image with the same program is used.
        """
        try:
            base = await self._images.ensure(self._base, log)
        except ImageUnavailable:
            if tag := await self._built_before():
                await log(f"{self._base} is not available; {tag} was built from an earlier one")
                return tag
            raise
        return await self._ensure(base, log)

    async def present(self) -> str | None:
        """The name of an image of this program that is on the host; None if there is none, and none is made. Raises SandboxError."""
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
            images = await self._engine.images.list({PROGRAM_LABEL: self._content("")})
        except EngineRefused as error:
            raise SandboxError(f"the sandbox's image cannot be looked for: {error}") from error
        tags = (tag for image in images for tag in image.tags)
        return next((tag for tag in tags if tag.startswith(f"{REPOSITORY}:")), None)

    def _content(self, base_identity: str) -> str:
        whole = f"{base_identity} {self._program.digest} {self._dockerfile('')} {PROGRAM_LABEL}"
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    async def _build(self, tag: str, base: str) -> None:
        context = self._program.archive({"Dockerfile": self._dockerfile(base).encode()})
        labels = {CACHE: "true", PROGRAM_LABEL: self._content("")}
        await self._engine.images.build(context, tag, labels)

    def _dockerfile(self, base: str) -> str:
        environment = "\n".join(f"ENV {name}={value}" for name, value in self._program.environment.items())
        return DOCKERFILE.format(base=base, environment=environment, module=self._program.module)
