"""What a build is made from: the request, its context and Dockerfile on the host, and what its bases bring along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.bases import Base, local_name
from seatrial.agent.builds.declared import Declared, left_out
from seatrial.agent.builds.dialect import Base as BroughtAlong
from seatrial.agent.builds.digests import has_digest
from seatrial.agent.builds.steps import Step
from seatrial.agent.recipes.dockerfile import Dockerfile
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.agent.vocabulary.labels import STAND_INS, WARNINGS


@dataclass(frozen=True)
class BuildInput:
    """The input of a build: the request, its context and Dockerfile on the host, and the Dockerfile in buildah's dialect
    (None if it needs no change) with what its messages are read by."""

    request: BuildRequest
    context: Path
    dockerfile: Path | None  # None: the recipe itself holds it
    translated: bytes | None
    steps: Mapping[str, Step]
    warnings: Sequence[str] = ()
    declared: Declared = field(default_factory=Declared)  # what was left out of the Dockerfile

    def again(self) -> "BuildInput":
        """The same once more, from the layers that were just made."""
        return replace(self, request=replace(self.request, no_cache=False))

    def without_declared(self, raw: bytes) -> "BuildInput":
        """The same without what the builder need not be given of the Dockerfile, which is `raw` where nothing was changed in it."""
        given = raw if self.translated is None else self.translated
        shorter, declared = left_out(given)
        return self if shorter == given else replace(self, translated=shorter, declared=declared)


def is_last(file: Dockerfile, target: str | None) -> bool:
    """Whether the image is made of the Dockerfile's last stage."""
    return len(file.until(target)) == len(file.stages)


def shown_name(build: Build) -> str:
    """What messages call the Dockerfile."""
    return "dockerfile_inline" if build.dockerfile_inline else build.dockerfile


def brought_along(base: Base, name: str) -> BroughtAlong:
    """What a Dockerfile's dialect must know of its base image, which it calls `name`."""
    workdir, volumes = str(base.config.get("WorkingDir") or "/"), sorted(base.config.get("Volumes") or {})
    called = local_name(base.stored) if has_digest(base.stored) or base.stored != name else ""
    environment = dict(one.split("=", 1) for one in base.config.get("Env") or [] if "=" in one)
    return BroughtAlong(workdir, volumes, called, environment, base.config.get("OnBuild") or [])


def located(request: BuildRequest) -> tuple[Path, Path | None]:
    """(context, Dockerfile), both really inside the exported tree; None if the recipe itself holds the Dockerfile.
    Raises BuildError."""
    root = request.context_root.resolve()
    context = (root / request.build.path).resolve()
    dockerfile = (root / request.build.path / request.build.dockerfile).resolve()
    inline = bool(request.build.dockerfile_inline)
    named = [(context, request.build.path), *([] if inline else [(dockerfile, request.build.dockerfile)])]
    for path, what in named:
        if not path.is_relative_to(root):
            raise BuildError(f"{what} leads out of the repository. Commit the file itself, not a link")
    if not context.is_dir() or not (inline or dockerfile.is_file()):
        what = "folder" if inline else request.build.dockerfile
        raise BuildError(f"there is no {what} in {request.build.path}. Add it, or correct the path")
    return context, None if inline else dockerfile


def check_of(bases: Mapping[str, Base], name: str) -> Mapping[str, Any] | None:
    """The HEALTHCHECK that an image inherits from its base image."""
    return bases[name].config.get("Healthcheck") if name in bases else None


def warned(bases: Sequence[Base], warnings: Sequence[str]) -> Mapping[str, str]:
    """The labels that keep with an image what people should know of its bases and of it: it is used again without being
    built."""
    lines = {STAND_INS: [base.stand_in for base in bases if base.stand_in], WARNINGS: warnings}
    return {label: "\n".join(said) for label, said in lines.items() if said}
