"""Images that a Dockerfile names by their digest, as buildah finds them: in its store they have other digests, and names of ours."""

import re
from collections.abc import Mapping

from seatrial.agent.recipes.dockerfile import FROM

DIGEST = re.compile(r"(:[\w.-]+)?@sha256:([0-9a-f]{64})$")


def has_digest(image: str) -> bool:
    """Whether the name ends with a digest."""
    return DIGEST.search(image) is not None


def by_names_of_ours(keyword: str, rest: str, base: str, names: Mapping[str, str]) -> str:
    """The instruction with the names of `names` in place of what it says. `base` is the image of a FROM, with its
    arguments filled in."""
    if keyword == "FROM":
        match = FROM.match(rest)
        if match and base in names:
            return rest[: match.start(1)] + names[base] + rest[match.end(1) :]
        return rest
    if keyword in {"COPY", "ADD", "RUN"}:
        for image, name in names.items():
            rest = re.sub(rf"from={re.escape(image)}(?=[\s,\"']|$)", f"from={name}", rest)
    return rest
