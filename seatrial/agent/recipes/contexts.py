"""Further contexts of builds (compose: `additional_contexts`): folders of the repository, images, and what siblings are built to."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping

from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.recipes.graph import find_cycle
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.recipes.recipe import Contexts
from seatrial.agent.vocabulary.image_names import LIKE, is_image_name

KEY = "additional_contexts"
IMAGE, SERVICE = "docker-image://", "service:"
NAME = re.compile(r"[a-z0-9][a-z0-9._/:-]{0,127}")
REMOTE = re.compile(r"[a-z][a-z0-9+-]*://|git@|target:|[\w.-]+\.git(#|$)")
TAKEN = {"scratch", "context"}  # names that builders give a meaning of their own
Folder = Callable[[Path, str], str]


def read(
    document: Document, at: Path, given: Mapping[str, str], folder: Folder, problems: Problems
) -> Contexts:
    """What `given` says; `folder` makes a path of the repository of what is written, or raises RecipeError."""
    found = Contexts({}, {}, {})
    for name, value in given.items():
        with problems.noted():
            _one(document, (*at, name), name, str(value), folder, found)
    return found


def _one(document: Document, at: Path, name: str, value: str, folder: Folder, found: Contexts) -> None:
    if not NAME.fullmatch(name) or name in TAKEN:
        document.fail(
            at,
            f"{name!r} is not the name of a context",
            "Use lower-case letters, digits and . _ / : -, as in the Dockerfile's FROM, and not scratch or context",
        )
    if value.startswith(IMAGE):
        image = value.removeprefix(IMAGE)
        if not is_image_name(image):
            document.fail(at, f"{image!r} is not an image's name", LIKE)
        found.images[name] = image
    elif value.startswith(SERVICE):
        found.services[name] = value.removeprefix(SERVICE)
    elif REMOTE.match(value):
        document.fail(
            at,
            f"refused: a build here reads nothing but this repository and images, and {value} is neither",
            f"Write a folder of this repository, {IMAGE}name:tag or {SERVICE}name",
        )
    else:
        found.folders[name] = folder(at, value)


def check(
    document: Document,
    contexts: Mapping[str, Contexts],
    services: Collection[str],
    problems: Problems,
) -> None:
    """Note services that do not exist, and a cycle. `contexts` are those of each service's build."""
    edges: dict[str, list[str]] = {name: [] for name in services}
    for service, one in contexts.items():
        for name, other in one.services.items():
            at: Path = ("services", service, "build", KEY, name)
            if other in services:
                edges[service].append(other)
                continue
            near = difflib.get_close_matches(other, services, n=1)
            fix = f"Did you mean {near[0]}" if near else f"Services here: {', '.join(sorted(services))}"
            problems.add(document.error(at, f"there is no service {other}", fix))
    if cycle := find_cycle(edges):
        drawn = " -> ".join(cycle)
        problems.add(
            document.error(
                ("services", cycle[0], "build", KEY),
                f"{drawn} is a cycle: none of them can be built first",
                "Remove one of these contexts",
            )
        )
