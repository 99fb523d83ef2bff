"""Takes what the branch has into the workspace: each policy as a version, and what is broken as it is said on pages."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.authoring.importing import take, too_much
from seatrial.control.policies.authoring.standards import Broken, Found, Standard, found_in
from seatrial.control.policies.models import Policy
from seatrial.control.policies.notices.announcing import policies_broken
from seatrial.control.policies.source.models import Kept, KeptPolicy, PolicySource
from seatrial.control.policies.source.reading import Course, Tip, tip_of

SHORT = 10


def sync(forges: Forges, body: dict[str, str]) -> None:
    """Look at the branch of the source in `body`, and take what is new. No transaction is open. Idempotent.

    What cannot be read is noted for people, and raises ForgeError: the caller repeats it. Two of these at once take a commit once.
    """
    source = PolicySource.objects.select_related("project__connection").filter(pk=body["source"]).first()
    if source is None or source.project.archived_at is not None or source.project.gone:
        return
    try:
        contents = forges.of(source.project.connection).contents(source.project)
        tip = tip_of(contents, source.branch, source.folder, source.commit, again=source.stale)
        if tip is not None and (said := too_much(tip.files)):
            raise ForgeError(said, permanent=True)
    except ForgeError as error:
        _looked(source, str(error))
        raise
    if tip is None:
        _looked(source, "")
    else:
        take_tip(source, tip)


def _looked(source: PolicySource, problem: str) -> None:
    PolicySource.objects.filter(pk=source.pk).update(looked_at=timezone.now(), problem=problem)


@transaction.atomic
def take_tip(read: PolicySource, tip: Tip) -> None:
    """Take what was found when the source was as `read`. If it has changed since, it is looked at once more instead."""
    rows = PolicySource.objects.select_for_update(of=("self",), no_key=True)
    source = rows.select_related("workspace", "project").filter(pk=read.pk).first()
    if source is None:
        return
    if _what(source) != _what(read):
        outbox.instruct(Instruction.POLICIES, source=source.pk)
        return
    found = found_in(tip.files)
    for standard in sorted(found.standards, key=lambda one: one.draft.slug):
        _take(source, standard, tip)
    _mark_gone(source, found)
    _note(source, tip, found)


def _what(source: PolicySource) -> tuple[str | bool, ...]:
    return (source.project_id, source.branch, source.folder, source.commit, source.stale)


def _take(source: PolicySource, standard: Standard, tip: Tip) -> None:
    """As a version, unless people took the policy over into the editor."""
    kept = KeptPolicy.objects.filter(policy__workspace=source.workspace, policy__slug=standard.draft.slug)
    if kept.filter(standing=Kept.RELEASED).exists():
        return
    take(
        source.workspace,
        standard,
        by=SYSTEM,
        author=author(source, tip.commit),
        note=_why(source, standard, tip),
    )
    KeptPolicy.objects.update_or_create(
        policy=Policy.objects.get(workspace=source.workspace, slug=standard.draft.slug),
        defaults={
            "source": source,
            "path": standard.file,
            "line": standard.line,
            "commit": tip.commit,
            "standing": Kept.KEPT,
        },
    )


def author(source: PolicySource, commit: str) -> str:
    """Whom a version from there is by. No person can be called that."""
    return f"git {source.project.slug} {commit[:SHORT]}"


def _why(source: PolicySource, standard: Standard, tip: Tip) -> str:
    """A version's note."""
    said = f"From {standard.file} at {tip.commit[:SHORT]}"
    before = source.commit[:SHORT]
    match tip.course:
        case Course.OLDER:
            return f"{said}, which is older than {before}"
        case Course.ELSEWHERE:
            return f"{said}, which does not follow {before}: the branch was rewritten"
    return said


def _mark_gone(source: PolicySource, found: Found) -> None:
    """Those that no file has any more, and none that cannot be read might have. They run on: see ADR 60."""
    there = {one.draft.slug for one in found.standards}
    unreadable = {one.file for one in found.broken}
    rows = source.kept.filter(standing=Kept.KEPT).exclude(policy__slug__in=there).exclude(path__in=unreadable)
    rows.update(standing=Kept.GONE)


def _note(source: PolicySource, tip: Tip, found: Found) -> None:
    now = timezone.now()
    back = tip.course is not Course.ONWARD
    source.rewound_from, source.older = source.commit if back else "", tip.course is Course.OLDER
    source.commit, source.stale, source.taken_at = tip.commit, False, now
    source.looked_at, source.problem = now, ""
    source.files = [file_row(path, found) for path, _ in tip.files]
    source.save()
    if wrong := [one for one in source.files if one["broken"]]:
        policies_broken(source.project, commit=tip.commit, files=wrong)
    details: dict[str, Any] = {"commit": tip.commit, "files": len(tip.files), "broken": source.broken}
    if back:
        details |= {"before": source.rewound_from, "course": str(tip.course)}
    audit.record(
        "policies.take",
        f"workspace/{source.workspace_id}",
        by=SYSTEM,
        workspace=source.workspace_id,
        details=details,
    )


def file_row(path: str, found: Found) -> dict[str, Any]:
    """A file as `PolicySource.files` has it."""
    return {
        "path": path,
        "policies": [one.draft.slug for one in found.standards if one.file == path],
        "broken": [_broken(one) for one in found.broken if one.file == path],
    }


def _broken(one: Broken) -> dict[str, Any]:
    return {"line": one.line, "key": one.key, "text": one.text}
