"""Completes a recipe from the commit's files: which mounted files exist, which port a built service should use."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from seatrial.agent.recipes.dockerfile import Dockerfile
from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.containers import Copy, Mount
from seatrial.agent.vocabulary.tree import SUBMODULE, Entry

DEFAULT_PORT = 8080


def settled(recipe: Recipe, files: Mapping[str, Dockerfile | None], entries: Sequence[Entry]) -> Recipe:
    """`recipe` with every service completed from these files."""
    warnings = [*recipe.warnings, *submodules(entries)]
    composed = recipe.composed
    services = {}
    for name, service in recipe.services.items():
        with_its_port = service if composed else with_port(service, files[name])
        services[name] = with_files(recipe.source, with_its_port, entries, warnings)
    return replace(recipe, services=services, warnings=tuple(warnings))


def with_port(service: Service, file: Dockerfile | None) -> Service:
    """A built service with visitors gets its port in PORT, as on hosting platforms; a PORT of its own wins.

    Not for compose files, which are explicit.
    """
    if file is None or not service.kind.routable or "PORT" in service.environment or sets_port(file):
        return service
    target = service.build.target if service.build else None
    port = service.port or next(iter(file.exposed_ports(target)), DEFAULT_PORT)
    return replace(service, environment={"PORT": str(port), **service.environment})


def sets_port(file: Dockerfile) -> bool:
    """Whether any stage has an ENV PORT."""
    lines = (text for stage in file.stages for keyword, text in stage.instructions if keyword == "ENV")
    return any(re.search(r"(^|\s)PORT[=\s]", text) for text in lines)


def with_files(source: str, service: Service, entries: Sequence[Entry], warnings: list[str]) -> Service:
    """The service with its mounted paths as copies. Paths missing in the commit (data, build output) become empty volumes."""
    missing = [copy for copy in service.copies if not is_there(copy, entries)]
    for copy in service.copies:
        consequence = (
            f"is not in the commit; {copy.target} begins as an empty volume"
            if copy in missing
            else f"is copied to {copy.target} as it is in the commit"
        )
        warnings.append(f"{source}: services.{service.name}: {copy.source} {consequence}")
    volumes = [Mount(shared(copy.source), copy.target) for copy in missing]
    return replace(
        service,
        copies=tuple(copy for copy in service.copies if copy not in missing),
        mounts=(*service.mounts, *volumes),
    )


def shared(path: str) -> str:
    """The name of the volume for a path that the commit lacks: services that mount the same path see the same files."""
    return f"path-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def is_there(copy: Copy, entries: Sequence[Entry]) -> bool:
    """Whether the commit has the file or folder."""
    return copy.source == "." or any(
        entry.path == copy.source or entry.path.startswith(f"{copy.source}/") for entry in entries
    )


def submodules(entries: Sequence[Entry]) -> list[str]:
    """A warning for each submodule: its folder is empty here."""
    return [
        f"{entry.shown} is a submodule; it is not fetched, so the folder is empty"
        for entry in entries
        if entry.mode == SUBMODULE
    ]
