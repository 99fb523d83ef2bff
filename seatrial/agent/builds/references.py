"""Names of images: what a repository may write, where it leads, and what the image is called on the engine."""

import hashlib
import re

from seatrial.agent.vocabulary.errors import ImageUnavailable
from seatrial.agent.vocabulary.image_names import LIKE, is_image_name

HUB = "registry-1.docker.io"
HUB_NAMES = {"docker.io", "index.docker.io"}
# An engine lets nobody give an image a digest: one that is asked for by its digest is kept under this name.
BY_DIGEST = "seatrial/by-digest"
# What was pulled with a project's login is kept under a name that no recipe can write: others may not have it.
WITH_LOGIN = "seatrial/with-login-"
HUB_LOGIN = "docker.io"  # what a login for Docker Hub is for


def named(image: str) -> str:
    """`image` with its tag, so that an engine never mistakes it for the prefix of an image id.

    Raises ImageUnavailable for an id: images of all previews are on the engine, and ids are easily guessed.
    """
    if image.startswith("sha256:") or re.fullmatch(r"[0-9a-f]{64}", image):
        raise ImageUnavailable(f"{image} is an image's id. Write its name and tag, or name@sha256:digest")
    if not is_image_name(image):
        raise ImageUnavailable(f"{image[:200]!r} is not an image's name. {LIKE}")
    return image if "@" in image or ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"


def asked_for(image: str) -> str:
    """`image` as `named`, if a recipe may name it. Raises ImageUnavailable also for what was pulled with somebody's login."""
    name = named(image)
    if whole_name(name).startswith(f"docker.io/{WITH_LOGIN}"):
        raise ImageUnavailable(
            f"{image} is Seatrial's name for an image that was pulled with a login. Write the image's own name"
        )
    return name


def host_of(image: str) -> str:
    """The registry that the name begins with; empty for names without one."""
    first = image.split("/", 1)[0]
    return first if "/" in image and (re.search(r"[.:]", first) or first == "localhost") else ""


def registry_of(image: str) -> str:
    """The registry's host, Docker Hub for names without one."""
    host = host_of(image)
    return HUB if not host or host in HUB_NAMES else host


def whole_name(image: str) -> str:
    """A name with its registry, and without the tag where a digest follows it: the digest says all."""
    name = re.sub(r"(:[\w.-]+)?(@sha256:[0-9a-f]{64})$", r"\2", image)
    if registry_of(image) != HUB:
        return name
    path = name.removeprefix(f"{host_of(image)}/")
    return f"docker.io/{path if '/' in path else f'library/{path}'}"


def kept_as(image: str, login: str = "") -> str:
    """What a pulled image is called on the engine; `login`: the id of the project's login that it was pulled with."""
    if login:
        return f"{WITH_LOGIN}{login.lower()}:{hashlib.sha256(whole_name(image).encode()).hexdigest()}"
    _, at, digest = image.partition("@sha256:")
    return f"{BY_DIGEST}:{digest}" if at else image


def login_registry(image: str) -> str:
    """The registry of `image`, as logins call it."""
    registry = registry_of(image)
    return HUB_LOGIN if registry == HUB else registry
