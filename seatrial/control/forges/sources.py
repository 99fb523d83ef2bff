"""Where agents fetch code from."""

from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Project
from seatrial.wire.deployments import Source


def source(project: Project) -> Source:
    """Made of the rows alone: no forge is asked, and there is no secret in it.

    Of a kind of forge that this release does not speak to, a credential is asked for: the answer says what is wrong.
    """
    forge = FORGES.get(project.connection.forge)
    return Source(
        clone_url=project.clone_url, needs_credential=forge.needs_credential if forge is not None else True
    )
