"""Where agents fetch code from."""

from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Project
from seatrial.wire.deployments import Source


def source(project: Project) -> Source:
    """Where to fetch the project's code. Made from its rows alone: sends no request, and contains no secret.

    For a kind of forge that this release does not know, it says that a credential is needed: the agent asks for one,
    and the refusal says what is wrong.
    """
    forge = FORGES.get(project.connection.forge)
    return Source(
        clone_url=project.clone_url, needs_credential=forge.needs_credential if forge is not None else True
    )
