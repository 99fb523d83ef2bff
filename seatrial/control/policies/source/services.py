"""Saying where a workspace keeps its policies, and having it looked at."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.errors import BadSource, NotKept
from seatrial.control.policies.models import Policy
from seatrial.control.policies.source.models import Kept, KeptPolicy, PolicySource
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project
from seatrial.wire.visible import visible

LOOKED_EVERY = timedelta(minutes=5)  # for pushes of which nobody told us
HEADS = "refs/heads/"


def source_of(workspace: Workspace) -> PolicySource | None:
    """Where the workspace keeps its policies; None: only here."""
    return PolicySource.objects.select_related("project", "workspace").filter(workspace=workspace).first()


@transaction.atomic
def set_source(
    workspace: Workspace, project: Project, branch: str, folder: str, *, by: Actor
) -> PolicySource:
    """Take the workspace's policies from there from now on. Idempotent. Raises BadSource, ProjectArchived."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if project.workspace_id != workspace.pk:
        raise BadSource(f"{project.name} is in another workspace. Choose a project of {workspace.name}.")
    if project.archived_at is not None:
        raise ProjectArchived(project.name)
    wanted = {
        "project": project,
        "branch": _branch(branch or project.default_branch),
        "folder": _folder(folder),
    }
    row = source_of(workspace)
    if row is not None and all(getattr(row, name) == value for name, value in wanted.items()):
        return row
    row = row or PolicySource(workspace=workspace)
    for name, value in {**wanted, "by": str(by)[:200], "commit": "", "rewound_from": "", "files": []}.items():
        setattr(row, name, value)
    row.problem, row.older, row.taken_at = "", False, None
    row.save()
    _record("policies.set_source", row, by)
    _ask(row)
    return row


@transaction.atomic
def remove_source(source: PolicySource, *, by: Actor) -> None:
    """Keep the policies only here from now on. They stay as they are, and are changed in the editor again."""
    _record("policies.remove_source", source, by)
    source.delete()


@transaction.atomic
def ask(source: PolicySource, *, by: Actor) -> None:
    """Have the branch looked at now."""
    _record("policies.sync", source, by)
    _ask(source)


def pushed(project: Project, ref: str) -> None:
    """Have it looked at, if this is the branch of a source. Only that something was pushed is believed: what, the forge is asked."""
    branch = ref.removeprefix(HEADS)
    for source in (
        PolicySource.objects.filter(project=project, branch=branch) if ref.startswith(HEADS) else []
    ):
        _ask(source)


@transaction.atomic
def ask_due() -> None:
    """Have those looked at that were not for LOOKED_EVERY. Any number of workers may ask: each is asked for once."""
    before = timezone.now() - LOOKED_EVERY
    rows = PolicySource.objects.select_for_update(of=("self",), skip_locked=True).filter(
        project__archived_at=None
    )
    rows = rows.filter(Q(asked_at=None) | Q(asked_at__lt=before), Q(looked_at=None) | Q(looked_at__lt=before))
    for source in rows:
        _ask(source)


@transaction.atomic
def release(policy: Policy, *, by: Actor) -> KeptPolicy:
    """Take the policy over into the editor: its file is not looked at any more. Idempotent. Raises NotKept."""
    return _stand(policy, Kept.RELEASED, "policy.release", by)


@transaction.atomic
def give_back(policy: Policy, *, by: Actor) -> KeptPolicy:
    """Have the file decide again, as it is at the next look. Idempotent. Raises NotKept."""
    row = _stand(policy, Kept.KEPT, "policy.give_back", by)
    PolicySource.objects.filter(pk=row.source_id).update(stale=True)
    _ask(row.source)
    return row


def _stand(policy: Policy, standing: Kept, action: str, by: Actor) -> KeptPolicy:
    row = (
        KeptPolicy.objects.select_for_update(of=("self",))
        .select_related("source")
        .filter(policy=policy)
        .first()
    )
    if row is None:
        raise NotKept(f"{policy.slug} is not kept in git.")
    if row.standing != standing:
        row.standing = standing
        row.save(update_fields=["standing"])
        audit.record(
            action,
            f"policy/{policy.pk}",
            by=by,
            workspace=policy.workspace_id,
            details={"policy": policy.slug, "path": row.path},
        )
    return row


def _ask(source: PolicySource) -> None:
    PolicySource.objects.filter(pk=source.pk).update(asked_at=timezone.now())
    outbox.instruct(Instruction.POLICIES, source=source.pk)


def _branch(text: str) -> str:
    branch = text.strip().removeprefix(HEADS)
    if not branch or len(branch) > 250 or visible(branch) != branch or " " in branch:
        raise BadSource("Name a branch, such as main.")
    return branch


def _folder(text: str) -> str:
    folder = text.strip().strip("/")
    parts = folder.split("/") if folder else []
    if len(folder) > 500 or visible(folder) != folder or any(part in ("", ".", "..") for part in parts):
        raise BadSource(
            "Name a folder from the root of the repository, such as policies. Nothing: the whole repository."
        )
    return folder


def _record(action: str, source: PolicySource, by: Actor) -> None:
    details = {"project": source.project.slug, "branch": source.branch, "folder": source.folder}
    audit.record(
        action, f"workspace/{source.workspace_id}", by=by, workspace=source.workspace_id, details=details
    )
