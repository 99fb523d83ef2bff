"""Further contexts of a build, as builders need them: which images must be there, and what stands for each name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.builds.base import BuildRequest, Images
from seatrial.agent.builds.bases import Base
from seatrial.agent.recipes.dockerfile import Dockerfile
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.agent.vocabulary.logs import Log
from seatrial.agent.vocabulary.registry_logins import NO_LOGINS, ProjectLogins


@dataclass(frozen=True)
class Further:
    """Those of one request, for one Dockerfile. `images` and `folders` by the names that the Dockerfile uses."""

    images: Mapping[str, str]
    folders: Mapping[str, Path]
    siblings: frozenset[str]  # images that this deployment has built
    logins: ProjectLogins = NO_LOGINS

    @classmethod
    def of(cls, request: BuildRequest) -> "Further":
        """Raises BuildError for a folder that is none, or leads out of the repository."""
        contexts = request.build.contexts
        built = {name: request.siblings[service] for name, service in contexts.services.items()}
        folders = {name: folder(request.context_root, name, path) for name, path in contexts.folders.items()}
        return cls({**contexts.images, **built}, folders, frozenset(built.values()), request.logins)

    def wanted(self, parsed: Dockerfile, target: str | None) -> Mapping[str, str]:
        """{name in the Dockerfile: image}, of each image that must be there."""
        names = [name for name in parsed.external_images(target) if name not in self.folders]
        return {name: self.images.get(name, name) for name in names}

    def given_by(self, images: Images) -> Images:
        """`images`, as this deployment may have them, and those that siblings were built to."""
        return _Given(images, self.siblings, self.logins)


@dataclass(frozen=True)
class _Given:
    images: Images
    siblings: frozenset[str]
    logins: ProjectLogins

    async def ensure(self, image: str, log: Log, logins: ProjectLogins = NO_LOGINS) -> str:
        """See `Images.ensure`. No Dockerfile can name one of `siblings` by itself: only the recipe's service."""
        return image if image in self.siblings else await self.images.ensure(image, log, self.logins)


def by_names(bases: Sequence[Base], wanted: Mapping[str, str]) -> Mapping[str, Base]:
    """{name in the Dockerfile: its image}."""
    found = {base.name: base for base in bases}
    return {name: found[image] for name, image in wanted.items()}


def folder(root: Path, name: str, path: str) -> Path:
    """The folder on the host, really inside the exported tree. Raises BuildError."""
    found = (root / path).resolve()
    if not found.is_relative_to(root.resolve()):
        raise BuildError(
            f"additional_contexts.{name}: {path} leads out of the repository. Commit the folder itself, not a link"
        )
    if not found.is_dir():
        raise BuildError(
            f"additional_contexts.{name}: there is no folder {path} in this commit. Add it, or correct the path"
        )
    return found
