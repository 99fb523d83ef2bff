"""REST: rolling policies out."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rollout import services
from seatrial.control.policies.rollout.finding import policy_of
from seatrial.control.policies.rollout.levels import level_named

router = Router(tags=["policies"])
PolicyId = Annotated[str, Path(description="Id of a policy.")]
PolicyKey = Annotated[str, Path(description="Id of a policy, or its slug.")]
InWorkspace = Annotated[
    str, Query(description="Slug of the workspace in which the policy has this slug. An id needs none.")
]
REFUSED: dict[int, Any] = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}


class LevelWanted(Schema):
    """How much a policy is to weigh."""

    level: str = Field(
        max_length=20,
        description="draft: it runs in trials only; advisory: it never fails a check; soft: it does, unless waived; hard: nothing waives it.",
    )


class RolloutAnswer(Schema):
    """How far a policy is rolled out."""

    policy: str = Field(description="The policy's slug.")
    id: str = Field(description="Its id.")
    workspace: str = Field(description="Slug of its workspace.")
    level: str = Field(description="draft, advisory, soft or hard.")


@router.get(
    "/policies/{policy}/rollout",
    response={200: RolloutAnswer, 404: ErrorAnswer},
    summary="How far a policy is rolled out",
)
def get_rollout(request: HttpRequest, policy: PolicyKey, workspace: InWorkspace = "default") -> RolloutAnswer:
    """Its level."""
    return answer(policy_of(person(request), policy, workspace))


@router.patch(
    "/policies/{policy}/level", response={200: RolloutAnswer, **REFUSED}, summary="Change a policy's level"
)
def set_level(request: HttpRequest, policy: PolicyId, wanted: LevelWanted) -> RolloutAnswer:
    """It takes the role admin, and counts from the next evaluation on. Up to soft or hard, the policy's own tests must pass."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, policy, "workspace")
    changed = services.set_level(row, level_named(wanted.level), by=actor(request))
    row.level = changed.level
    return answer(row)


def answer(policy: Policy) -> RolloutAnswer:
    """The policy's rollout as REST shows it."""
    return RolloutAnswer(
        policy=policy.slug, id=policy.pk, workspace=policy.workspace.slug, level=policy.level
    )
