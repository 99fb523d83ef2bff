"""Images without an engine: a folder with the files that the last stage of a Dockerfile puts together.

For trusted code, to try the platform out. COPY, ADD of local files, ENV, WORKDIR, RUN, CMD and ENTRYPOINT mean what
they mean in a Dockerfile, except that programs are the host's own and a RUN step runs on the host, unprivileged.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.inputs import located, shown_name
from seatrial.agent.builds.processes.records import Records
from seatrial.agent.commands import logged
from seatrial.agent.commands.people import give, unprivileged
from seatrial.agent.recipes.dockerfile import Dockerfile, assignments, read_dockerfile, replaced, words
from seatrial.agent.recipes.kinds import repository_name
from seatrial.agent.vocabulary.errors import BuildError, NeedsEngine
from seatrial.agent.vocabulary.logs import Log
from seatrial.agent.vocabulary.registry_logins import NO_LOGINS, ProjectLogins

STEP_SECONDS = 600.0
POSTGRES = "postgres"
DATA = "/var/lib/postgresql/data"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass
class Assembly:
    """An image being assembled: the state after the instructions so far."""

    context: Path
    root: Path
    arguments: dict[str, str]
    log: Log
    directory: str = "/"
    environment: dict[str, str] = field(default_factory=dict)

    async def follow(self, dockerfile: Dockerfile, target: str | None) -> None:
        """Carry out the instructions of the final stage."""
        stages = dockerfile.until(target)
        if len(stages) > 1:
            raise NeedsEngine(
                "a build of several stages needs a container engine; the process runtime has none"
            )
        for keyword, text in stages[-1].instructions:
            await self._step(keyword, text)

    async def _step(self, keyword: str, text: str) -> None:
        if keyword == "ARG":
            name, _, value = text.partition("=")
            self.arguments.setdefault(name.strip(), value.strip("\"' "))
        elif keyword == "ENV":
            self.environment |= assignments(replaced(text, self._known()))
        elif keyword == "WORKDIR":
            self.directory = str(PurePosixPath(self.directory) / replaced(text, self._known()))
            give([inside(self.root, self.directory)])
        elif keyword in {"COPY", "ADD"}:
            self._copy(replaced(text, self._known()))
        elif keyword == "RUN":
            await self._run(text)

    def _known(self) -> dict[str, str]:
        return {**self.arguments, **self.environment}

    def _copy(self, text: str) -> None:
        parts = words(text) if text.lstrip().startswith("[") else text.split()
        names = [part for part in parts or [] if not part.startswith("--")]
        if "--from=" in text:
            raise NeedsEngine(
                f"COPY {text}: only files of the repository can be copied without a container engine"
            )
        if len(names) < 2:
            raise BuildError(f"COPY {text}: it names no source, or no target")
        wanted = names.pop()
        target = inside(self.root, str(PurePosixPath(self.directory) / wanted))
        for pattern in names:
            sources = (
                [self.context] if pattern in {".", "./"} else sorted(self.context.glob(pattern.lstrip("/")))
            )
            if not sources:
                raise BuildError(f"COPY {text}: there is no {pattern} in the build's folder")
            for source in sources:
                put(
                    source,
                    target,
                    into_folder=wanted.endswith("/") or len(names) > 1 or wanted in {".", "./"},
                )

    async def _run(self, text: str) -> None:
        await self.log(f"RUN {text}")
        directory = inside(self.root, self.directory)
        command = words(text) or []
        ended = await logged.run(
            [*unprivileged(self.root), "env", "-C", str(directory), *command],
            self.log,
            environment={
                "PATH": SYSTEM_PATH,
                "HOME": str(directory),
                **located_values(self.environment, self.root),
            },
            timeout_seconds=STEP_SECONDS,
        )
        if ended.code:
            raise BuildError(
                f"`RUN {text[:200]}` failed: exit status {ended.code}. Without a container engine it runs on the host, "
                "unprivileged; a step that installs packages needs an engine",
                log_tail=list(ended.tail),
            )


@dataclass
class ProcessBuilder:
    """`Builder` of the process runtime."""

    records: Records
    name: str = "process"

    async def build(self, request: BuildRequest, log: Log) -> None:
        """See `Builder.build`."""
        build = request.build
        if needs := [
            *(["additional_contexts"] if build.contexts else []),
            *(["secrets and SSH keys of builds"] if build.secrets or build.ssh else []),
        ]:
            raise NeedsEngine(
                f"{request.service}: {' and '.join(needs)} need a container engine; the process runtime has none"
            )
        context, file = located(request)
        raw = file.read_bytes() if file else request.build.dockerfile_inline.encode()
        dockerfile = read_dockerfile(shown_name(request.build), raw, request.build.args)
        root = self.records.folder(request.tag) / "root"
        shutil.rmtree(root, ignore_errors=True)
        give([root])
        await log("no isolation: built and run on the host itself, for trying out only")
        assembly = Assembly(context, root, dict(request.build.args), log)
        try:
            await assembly.follow(dockerfile, request.build.target)
        except TimeoutError as error:
            self.records.remove(request.tag)
            raise BuildError(
                f"a step of {request.service} did not end within {STEP_SECONDS:.0f} s"
            ) from error
        except BaseException:
            self.records.remove(request.tag)
            raise
        self.records.write(
            request.tag, self._record(request.labels, assembly, dockerfile, request.build.target)
        )

    def _record(
        self, labels: Mapping[str, str], assembly: Assembly, dockerfile: Dockerfile, target: str | None
    ) -> dict[str, object]:
        return {
            "labels": dict(labels),
            "root": str(assembly.root),
            "directory": assembly.directory,
            "environment": assembly.environment,
            "entrypoint": words(dockerfile.last("ENTRYPOINT", target)),
            "command": words(dockerfile.last("CMD", target)),
            "ports": dockerfile.exposed_ports(target),
        }


@dataclass(frozen=True)
class ProcessImages:
    """`Images` of the process runtime: PostgreSQL, which comes with the platform, and nothing else."""

    records: Records

    async def ensure(self, image: str, log: Log, logins: ProjectLogins = NO_LOGINS) -> str:
        """See `Images.ensure`."""
        if self.records.read(image) is not None:
            return image
        if repository_name(image) != POSTGRES:
            raise NeedsEngine(
                f"{image}: the process runtime runs the repository's own code and PostgreSQL only. "
                "Install a container engine for everything else"
            )
        await log(f"{image}: no container engine; using the PostgreSQL that comes with the platform")
        self.records.write(image, {"labels": {}, "kind": POSTGRES, "ports": [5432], "volumes": [DATA]})
        return image


def inside(root: Path, path: str) -> Path:
    """A path of the image as a path below `root`. Raises BuildError when it climbs out."""
    target = Path(os.path.normpath(root / path.lstrip("/")))
    if not target.is_relative_to(root):
        raise BuildError(f"{path} leads out of the image")
    return target


def put(source: Path, target: Path, *, into_folder: bool) -> None:
    """Copy a file, or what is in a folder, as COPY does. Links are copied, never followed."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        return
    end = target / source.name if into_folder or target.is_dir() else target
    end.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, end, follow_symlinks=False)


def located_values(values: Mapping[str, str], root: Path) -> dict[str, str]:
    """`values`, in which absolute paths that exist in the image are replaced by their paths on the host."""

    def located_part(part: str) -> str:
        return str(inside(root, part)) if part.startswith("/") and inside(root, part).exists() else part

    return {
        name: ":".join(located_part(p) for p in value.split(":"))
        for name, value in values.items()
        if name != "PATH"
    }
