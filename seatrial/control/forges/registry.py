"""The kinds of forge that this release speaks to. A new one is added here and nowhere else."""

from seatrial.control.forges.errors import NoSuchForge
from seatrial.control.forges.gitea.registration import GITEA
from seatrial.control.forges.github.registration import GITHUB
from seatrial.control.forges.gitlab.registration import GITLAB
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.registration import Registration

FORGES: dict[str, Registration] = {
    LOCAL.kind: LOCAL,
    GITHUB.kind: GITHUB,
    GITLAB.kind: GITLAB,
    GITEA.kind: GITEA,
}


def registered(kind: str) -> Registration:
    """The registration of forges of `kind`. Raises NoSuchForge."""
    registration = FORGES.get(kind)
    if registration is None:
        raise NoSuchForge(
            f"This release does not speak to a forge of the kind {kind!r}. It speaks to: {', '.join(sorted(FORGES))}."
        )
    return registration


def is_hosted(kind: str) -> bool:
    """Whether forges of `kind` are servers of their own; False for a kind that this release does not know."""
    registration = FORGES.get(kind)
    return registration is not None and registration.hosting is not None
