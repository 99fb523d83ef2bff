"""REST: rolling policies out."""

from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.asked import REFUSED, PolicyId
from seatrial.control.policies.models import Attachment, Policy
from seatrial.control.policies.rollout import attaching, services
from seatrial.control.policies.rollout.finding import policy_of
from seatrial.control.policies.rollout.forms import target_of
from seatrial.control.policies.rollout.levels import level_named
from seatrial.control.policies.rollout.ratchet import put_on, take_off
from seatrial.control.policies.rollout.words import why_demoted

router = Router(tags=["policies"])
AttachmentId = Annotated[str, Path(description="Id of an attachment or exclusion.")]
PolicyKey = Annotated[str, Path(description="Id of a policy, or its slug.")]
InWorkspace = Annotated[
    str, Query(description="Slug of the workspace in which the policy has this slug. An id needs none.")
]


class LevelWanted(Schema):
    """How much a policy is to weigh."""

    level: str = Field(
        max_length=20,
        description="draft: it runs in trials only; advisory: it never fails a check; soft: it does, unless waived; hard: nothing waives it.",
    )


class RatchetWanted(Schema):
    """Whether a policy counts new findings only."""

    ratchet: bool = Field(
        description="true: what it found on default branches is known from now on, and fails nothing."
    )


class AttachmentWanted(Schema):
    """Name exactly one of `everything`, `label`, `stack` and `project`."""

    everything: bool = Field(False, description="All projects of the workspace.")
    label: str = Field("", max_length=100, description="Projects with this label.")
    stack: str = Field("", max_length=100, description="Projects of this stack.")
    project: str = Field("", max_length=100, description="One project: its id or slug.")
    level: str = Field(
        "", max_length=20, description="advisory, soft or hard, instead of the policy's own; empty: its own."
    )
    starts_at: datetime | None = Field(
        None,
        description="Advisory before that, and for pull requests that were opened before it; null: at once.",
    )
    excluded: bool = Field(False, description="Whether the policy is to leave them alone instead.")
    reason: str = Field("", max_length=1000, description="Why they are excluded; an exclusion needs one.")


class AttachmentAnswer(Schema):
    """Which projects a policy judges, or, if they are excluded, does not."""

    id: str = Field(description="Its id.")
    target: str = Field(description="The projects, for people.")
    everything: bool = Field(description="Whether it is for all projects.")
    label: str = Field(description="The label that it is for; empty: none.")
    stack: str = Field(description="The stack that it is for; empty: none.")
    project: str = Field(description="Id of the project that it is for; empty: none.")
    level: str = Field(description="Instead of the policy's own; empty: the policy's own.")
    starts_at: datetime | None = Field(description="When it begins to gate; null: at once.")
    excluded: bool = Field(description="Whether the policy leaves them alone.")
    reason: str = Field(description="Why they are excluded; empty if they are not.")
    by: str = Field(description="Who attached or excluded it.")


class RolloutAnswer(Schema):
    """How far a policy is rolled out."""

    policy: str = Field(description="The policy's slug.")
    id: str = Field(description="Its id.")
    workspace: str = Field(description="Slug of its workspace.")
    level: str = Field(description="draft, advisory, soft or hard.")
    demoted: str = Field(
        description="Why it is advisory although nobody made it so, for people: it erred too often. Empty otherwise."
    )
    ratchet: bool = Field(description="Whether only new findings fail checks.")
    attachments: list[AttachmentAnswer] = Field(description="Where it runs, and where it does not.")


@router.get(
    "/policies/{policy}/rollout",
    response={200: RolloutAnswer, 404: ErrorAnswer},
    summary="How far a policy is rolled out",
)
def get_rollout(request: HttpRequest, policy: PolicyKey, workspace: InWorkspace = "default") -> RolloutAnswer:
    """Its level and where it runs."""
    return answer(policy_of(person(request), policy, workspace))


@router.patch(
    "/policies/{policy}/level", response={200: RolloutAnswer, **REFUSED}, summary="Change a policy's level"
)
def set_level(request: HttpRequest, policy: PolicyId, wanted: LevelWanted) -> RolloutAnswer:
    """It takes the role admin, and counts from the next evaluation on. Up to soft or hard, the policy's own tests must pass."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, policy, "workspace")
    changed = services.set_level(row, level_named(wanted.level), by=actor(request))
    row.level, row.demotion = changed.level, changed.demotion
    return answer(row)


@router.patch(
    "/policies/{policy}/ratchet",
    response={200: RolloutAnswer, **REFUSED},
    summary="Count new findings only, or all",
)
def set_ratchet(request: HttpRequest, policy: PolicyId, wanted: RatchetWanted) -> RolloutAnswer:
    """It takes the role admin, and counts from the next evaluation on."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, policy, "workspace")
    if wanted.ratchet:
        put_on(row, by=actor(request))
    else:
        take_off(row, by=actor(request))
    row.ratchet = wanted.ratchet
    return answer(row)


@router.post(
    "/policies/{policy}/attachments",
    response={200: RolloutAnswer, **REFUSED},
    summary="Attach a policy, or exclude projects from it",
)
def attach(request: HttpRequest, policy: PolicyId, wanted: AttachmentWanted) -> RolloutAnswer:
    """What named the same projects before is replaced. It takes the role admin, and counts from the next evaluation on."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, policy, "workspace")
    target = target_of(
        row, everything=wanted.everything, label=wanted.label, stack=wanted.stack, project=wanted.project
    )
    if wanted.excluded:
        attaching.exclude(row, target, by=actor(request), reason=wanted.reason)
    else:
        level = level_named(wanted.level) if wanted.level else None
        attaching.attach(row, target, by=actor(request), level=level, starts_at=_utc(wanted.starts_at))
    return answer(row)


@router.delete(
    "/policies/{policy}/attachments/{attachment}",
    response={200: RolloutAnswer, **REFUSED},
    summary="Take an attachment or exclusion back",
)
def detach(request: HttpRequest, policy: PolicyId, attachment: AttachmentId) -> RolloutAnswer:
    """It takes the role admin, and counts from the next evaluation on."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, policy, "workspace")
    attaching.detach(row, attachment, by=actor(request))
    return answer(row)


def answer(policy: Policy) -> RolloutAnswer:
    """The policy's rollout as REST shows it."""
    return RolloutAnswer(
        policy=policy.slug,
        id=policy.pk,
        workspace=policy.workspace.slug,
        level=policy.level,
        ratchet=policy.ratchet,
        demoted=why_demoted(policy),
        attachments=[_attachment(row) for row in attaching.attachments_of(policy)],
    )


def _attachment(row: Attachment) -> AttachmentAnswer:
    return AttachmentAnswer(
        id=row.pk,
        target=row.target,
        everything=row.everything,
        label=row.label,
        stack=row.stack,
        project=row.project_id or "",
        level=row.level,
        starts_at=row.starts_at,
        excluded=row.excluded,
        reason=row.reason,
        by=row.by,
    )


def _utc(moment: datetime | None) -> datetime | None:
    """A time that says no zone is UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
