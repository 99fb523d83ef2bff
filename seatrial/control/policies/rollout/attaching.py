"""Attaching policies to projects, and excluding projects from them. It counts from the next evaluation on."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.errors import NotFound
from seatrial.control.policies.errors import BadAttachment
from seatrial.control.policies.models import Attachment, Policy
from seatrial.control.policies.rollout.promotion import require_promotable
from seatrial.control.policies.rollout.reaching import nearness
from seatrial.control.policies.rollout.services import Tested, require_seen, tests_of
from seatrial.control.policies.trials.services import newest_tests
from seatrial.control.projects.models import Project
from seatrial.wire.states import Level
from seatrial.wire.visible import visible

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MOST_REASON = 1000  # characters
MOST = 200  # attachments of one policy


@dataclass(frozen=True)
class Target:
    """What somebody names: everything, a label, a stack or a project."""

    everything: bool = False
    label: str = ""
    stack: str = ""
    project: Project | None = None

    def check(self) -> None:
        """Raises BadAttachment."""
        nearness(
            everything=self.everything,
            label=self.label,
            stack=self.stack,
            project=self.project.pk if self.project is not None else "",
        )
        for name, text in (("label", self.label), ("stack", self.stack)):
            if text and (len(text) > 100 or not SLUG.fullmatch(text)):
                raise BadAttachment(
                    f"A {name} is written in lower case letters, digits and hyphens, such as payments, not {visible(text)[:100]}."
                )


def attach(
    policy: Policy,
    target: Target,
    *,
    by: Actor,
    level: Level | None = None,
    starts_at: datetime | None = None,
    tested: Tested = newest_tests,
) -> Attachment:
    """Have the policy judge these projects, at this level instead of its own if one is given, from `starts_at` on.

    What named the same projects before is replaced, an exclusion as well. Raises BadAttachment, NotPromoted, NotReplayed.
    """
    if level is Level.DRAFT:
        raise BadAttachment("What is attached runs: give it the level advisory, soft or hard, or none.")
    return _put(policy, target, by, level=level, starts_at=starts_at, tested=tested)


def exclude(policy: Policy, target: Target, *, by: Actor, reason: str) -> Attachment:
    """Have the policy not judge these projects, unless something names one more closely. Raises BadAttachment."""
    said = visible(" ".join(reason.split()))
    if not 1 <= len(said) <= MOST_REASON:
        raise BadAttachment(
            f"Say in 1 to {MOST_REASON} characters why: whoever looks at the policy later needs it."
        )
    return _put(policy, target, by, excluded=True, reason=said)


@transaction.atomic
def detach(policy: Policy, key: str, *, by: Actor) -> None:
    """Take the attachment or exclusion with this id back. Raises NotFound."""
    row = attachments_of(policy).filter(pk=key).first()
    if row is None:
        raise NotFound(f"The policy {policy.slug} has no attachment {visible(key)[:100]}.")
    _record("policy.detach", row, by)
    row.delete()


def attachments_of(policy: Policy) -> QuerySet[Attachment]:
    """All of them, those that name most first, with their projects."""
    rows = policy.attachments.select_related("project", "policy")
    return rows.order_by("-everything", F("project__slug").asc(nulls_first=True), "label", "stack", "id")


@transaction.atomic
def _put(
    policy: Policy,
    target: Target,
    by: Actor,
    *,
    level: Level | None = None,
    starts_at: datetime | None = None,
    excluded: bool = False,
    reason: str = "",
    tested: Tested = newest_tests,
) -> Attachment:
    target.check()
    locked = Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    if target.project is not None and target.project.workspace_id != locked.workspace_id:
        raise BadAttachment("The project is in another workspace than the policy.")
    before = locked.attachments.filter(
        everything=target.everything, label=target.label, stack=target.stack, project=target.project
    ).first()
    if before is None and locked.attachments.count() >= MOST:
        raise BadAttachment(
            f"The policy has {MOST} attachments, which is the most: give the projects a label."
        )
    if level is not None:
        had = Level(before.level) if before is not None and before.level else Level(locked.level)
        require_promotable(locked.name, had, level, tests_of(locked, tested))
        require_seen(locked, had, level)
    row = before or Attachment(
        policy=locked,
        everything=target.everything,
        label=target.label,
        stack=target.stack,
        project=target.project,
    )
    row.level, row.starts_at = level or "", starts_at
    row.excluded, row.reason, row.by = excluded, reason, str(by)[:200]
    row.save()
    _record("policy.exclude" if excluded else "policy.attach", row, by)
    return row


def _record(action: str, row: Attachment, by: Actor) -> None:
    details = {
        "policy": row.policy.slug,
        "to": row.target,
        **({"level": row.level} if row.level else {}),
        **({"starts_at": row.starts_at.isoformat()} if row.starts_at else {}),
        **({"reason": row.reason} if row.reason else {}),
        **({"excluded": True} if row.excluded and action == "policy.detach" else {}),
    }
    audit.record(action, f"policy/{row.policy_id}", by=by, workspace=row.policy.workspace_id, details=details)
