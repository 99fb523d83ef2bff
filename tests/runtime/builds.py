"""Images for the fake runtime, from Dockerfiles with FROM, COPY, ENV, RUN true or false, CMD and metadata."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.healthcheck import healthcheck
from seatrial.agent.engine.shapes import check_from
from seatrial.agent.recipes.dockerfile import Dockerfile, assignments, read_dockerfile, words
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.agent.vocabulary.logs import Log
from tests.runtime.box import Image
from tests.runtime.fake import FakeRuntime


class FakeBuild:
    """`Builder` into a fake runtime's images. `built` names the services, one entry a build."""

    name = "fake"

    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime
        self.built: list[str] = []

    async def build(self, request: BuildRequest, log: Log) -> None:
        """See Builder."""
        self.built.append(request.service)
        folder = request.context_root / request.build.path
        inline = request.build.dockerfile_inline.encode()
        raw = inline or (folder / request.build.dockerfile).read_bytes()
        file = read_dockerfile(request.build.dockerfile, raw, request.build.args)
        image = self._assembled(request.service, file, folder)
        await log(f"built {request.service}")
        self._runtime.images[request.tag] = replace(image, labels=dict(request.labels))

    def _assembled(self, service: str, file: Dockerfile, folder: Path) -> Image:
        base = self._runtime.images.get(file.base())
        if base is None:
            raise BuildError(f"{service}: there is no {file.base()}", log_tail=[f"FROM {file.base()}"])
        files, environment = dict(base.files), dict(base.environment)
        for keyword, text in file.stages[-1].instructions:
            if keyword == "COPY":
                source, target = text.split()
                files[str(PurePosixPath("/") / target)] = (folder / source).read_text()
            elif keyword == "ENV":
                environment |= assignments(text)
            elif keyword == "RUN" and text == "false":
                raise BuildError(f"{service}: build failed", log_tail=["RUN false"])
        command = words(file.last("CMD")) or base.command
        check = check_from(declared) if (declared := healthcheck(file)) else None
        volumes = [v for k, text in file.stages[-1].instructions if k == "VOLUME" for v in text.split()]
        return Image(
            files=files, environment=environment, command=command, ports=file.exposed_ports(),
            volumes=volumes, check=check,
        )  # fmt: skip
