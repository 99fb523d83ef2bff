"""The sandbox's image: a Python base and the program, named after what is in it."""

import hashlib

import aiodocker
from aiodocker.exceptions import DockerError

from seatrial.agent.builds.base import Images
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.program import SandboxProgram
from seatrial.agent.vocabulary.errors import ImageUnavailable
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

    def __init__(
        self, docker: aiodocker.Docker, images: Images, program: SandboxProgram, base: str = BASE
    ) -> None:
        self._docker = docker
        self._images = images
        self._program = program
        self._base = base

    async def ensure(self, log: Log) -> str:
        """The image's name, on the host when this returns. Idempotent. Raises SandboxError or ImageUnavailable.

        Where the base cannot be had, an image that was built with the same program will do.
        """
        try:
            base = await self._images.ensure(self._base, log)
        except ImageUnavailable:
            if tag := await self._built_before():
                await log(f"{self._base} cannot be had; {tag} was built from an earlier one")
                return tag
            raise
        return await self._ensure(base, log)

    async def _ensure(self, base: str, log: Log) -> str:
        try:
            identity = (await self._docker.images.inspect(base))["Id"]
            tag = f"{REPOSITORY}:{self._content(identity)}"
            if not await self._exists(tag):
                await log(f"building {tag} from {base}")
                await self._build(tag, base)
        except DockerError as error:
            raise SandboxError(f"the sandbox's image cannot be built from {base}: {error.message}") from error
        return tag

    async def _built_before(self) -> str | None:
        filters = {"label": [f"{PROGRAM_LABEL}={self._content('')}"]}
        try:
            images = await self._docker.images.list(filters=filters)
        except DockerError as error:
            raise SandboxError(f"the sandbox's image cannot be looked for: {error.message}") from error
        newest = sorted(images, key=lambda image: int(image["Created"]), reverse=True)
        tags = (str(tag) for image in newest for tag in image.get("RepoTags") or [])
        return next((tag for tag in tags if tag.startswith(f"{REPOSITORY}:")), None)

    def _content(self, base_identity: str) -> str:
        whole = f"{base_identity} {self._program.digest} {self._dockerfile('')} {PROGRAM_LABEL}"
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    async def _exists(self, tag: str) -> bool:
        try:
            await self._docker.images.inspect(tag)
        except DockerError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def _build(self, tag: str, base: str) -> None:
        context = self._program.archive({"Dockerfile": self._dockerfile(base).encode()})
        labels = {CACHE: "true", PROGRAM_LABEL: self._content("")}
        built = self._docker.images.build(
            fileobj=context, encoding="identity", tag=tag, labels=labels, stream=True
        )
        async for line in built:
            if "error" in line:
                raise SandboxError(f"the sandbox's image cannot be built from {base}: {line['error']}")

    def _dockerfile(self, base: str) -> str:
        environment = "\n".join(f"ENV {name}={value}" for name, value in self._program.environment.items())
        return DOCKERFILE.format(base=base, environment=environment, module=self._program.module)
