"""Where a project's repository is now, and whether it takes changes: asked of its forge by its number, which never changes.

Not every forge tells by a webhook that a repository was renamed, transferred or archived, and webhooks get lost.
"""

from django.db import transaction

from seatrial.control.forges.protocol import HostedForge
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.projects.events import Gone, RepositoryChanged
from seatrial.control.projects.models import Project
from seatrial.control.projects.services import repository_changed, set_gone


def note(forge: HostedForge, project: Project) -> bool:
    """Note it on `project` and in its row; False if all of it was known. Idempotent. No transaction is open.

    Previews follow an archived repository. One that cannot be found, or not be seen, is a ForgeError: nobody knows which,
    so nothing ends.
    """
    there = forge.repository_of(project)
    now = RepositoryChanged(
        external_id=project.external_id,
        full_name=there.full_name,
        clone_url=there.clone_url,
        web_url=there.web_url,
        default_branch=there.default_branch,
    )
    with transaction.atomic():
        moved = repository_changed(project, now)
        changed = set_gone(project, Gone.ARCHIVED if there.archived else None)
        if changed:
            outbox.instruct(Instruction.FOLLOW, project=project.pk)
    return moved or changed
