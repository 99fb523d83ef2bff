"""REST: policies and their versions. Nothing is saved that cannot run, and nobody's version is replaced unseen."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from seatrial.control.accounts.access import Action, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.listing import Cursor, Limit, page
from seatrial.control.policies.authoring import writing
from seatrial.control.policies.authoring.answers import (
    DifferenceAnswer,
    PolicyAnswer,
    PolicyInFull,
    VersionAnswer,
    VersionInFull,
    answer,
    in_full,
    version_answer,
    version_in_full,
)
from seatrial.control.policies.authoring.difference import unified
from seatrial.control.policies.authoring.finding import managed, policy_with, with_newest
from seatrial.control.policies.authoring.forms import MOST_NOTE
from seatrial.control.policies.errors import NoSuchVersion
from seatrial.control.policies.models import Policy, PolicyVersion

router = Router(tags=["policies"])
PolicyId = Annotated[str, Path(description="Id of a policy.")]
Number = Annotated[str, Path(description="Number of one of its versions.")]
OfWorkspace = Annotated[str, Query(description="Only those of the workspace with this slug.")]
OfSlug = Annotated[str, Query(description="Only those with this slug.")]
Before = Annotated[int, Query(description="Number of the one version; 0: the one before the other.")]
After = Annotated[int, Query(description="Number of the other version; 0: the newest.")]
REFUSED: dict[int, Any] = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}
Note = Annotated[
    str, Field(max_length=MOST_NOTE, description="What changes, and why; it stands beside the version.")
]
BasedOn = Annotated[
    int,
    Field(
        ge=1,
        description="The number of the version that this was made from. If there is a newer one, nothing is saved (409).",
    ),
]


class PolicyWanted(Schema):
    """A new policy."""

    workspace: str = Field(max_length=100, description="The slug of its workspace.")
    slug: str = Field(
        max_length=100, description="Its name in addresses, commands and results. It never changes."
    )
    code: str = Field(description="Its file.")
    note: Note = ""


class VersionWanted(Schema):
    """The next version of a policy: with new code, or with the same code and other parameters."""

    based_on: BasedOn
    code: str | None = Field(None, description="The new code; null: that of the newest version.")
    params: dict[str, Any] | None = Field(
        None,
        description="Parameters to set, only without new code; those that are left out stay as they are.",
    )
    note: Note = ""


class RevertWanted(Schema):
    """An older version to bring back."""

    to: int = Field(ge=1, description="Its number.")
    based_on: BasedOn
    note: Note = ""


class PolicyChange(Schema):
    """What to change about a policy without a new version."""

    enabled: bool = Field(description="Whether it is switched on.")


@router.get("/policies", response=list[PolicyAnswer], summary="List policies by slug")
def list_policies(
    request: HttpRequest,
    response: HttpResponse,
    workspace: OfWorkspace = "",
    slug: OfSlug = "",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> list[PolicyAnswer]:
    """Those of all workspaces that you are in."""
    rows = with_newest(visible(person(request), Policy).exclude(versions=None))
    rows = rows.filter(workspace__slug=workspace) if workspace else rows
    rows = rows.filter(slug=slug) if slug else rows
    return [
        answer(row) for row in page(rows, request, response, by=("slug", "id"), limit=limit, cursor=cursor)
    ]


@router.post("/policies", response={200: PolicyInFull, **REFUSED}, summary="Write a policy")
def create_policy(request: HttpRequest, wanted: PolicyWanted) -> PolicyInFull:
    """It takes the role admin. The policy is a draft, which runs in trials only, until somebody raises its level."""
    workspace = managed(person(request), wanted.workspace)
    row = writing.create(workspace, wanted.slug, wanted.code, by=actor(request), note=wanted.note)
    return _fresh(row)


@router.get("/policies/{policy}", response={200: PolicyInFull, 404: ErrorAnswer}, summary="One policy")
def get_policy(request: HttpRequest, policy: PolicyId) -> PolicyInFull:
    """With its code."""
    return _fresh(policy_with(person(request), policy))


@router.patch(
    "/policies/{policy}", response={200: PolicyInFull, **REFUSED}, summary="Switch a policy on or off"
)
def patch_policy(request: HttpRequest, policy: PolicyId, change: PolicyChange) -> PolicyInFull:
    """It takes the role admin. It counts from the next evaluation on."""
    row = policy_with(person(request), policy, Action.MANAGE_POLICIES)
    writing.switch(row, enabled=change.enabled, by=actor(request))
    return _fresh(row)


@router.get(
    "/policies/{policy}/versions", response=list[VersionAnswer], summary="List versions, newest first"
)
def list_versions(
    request: HttpRequest, response: HttpResponse, policy: PolicyId, limit: Limit = 100, cursor: Cursor = ""
) -> list[VersionAnswer]:
    """Without their code."""
    rows = PolicyVersion.objects.filter(policy=policy_with(person(request), policy))
    return [
        version_answer(row) for row in page(rows, request, response, by=("-id",), limit=limit, cursor=cursor)
    ]


@router.get(
    "/policies/{policy}/versions/{number}",
    response={200: VersionInFull, 404: ErrorAnswer},
    summary="One version",
)
def get_version(request: HttpRequest, policy: PolicyId, number: Number) -> VersionInFull:
    """With its code."""
    row = policy_with(person(request), policy)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NoSuchVersion(row.slug, number)
    return version_in_full(writing.version_of(row, int(number)))


@router.post(
    "/policies/{policy}/versions", response={200: PolicyInFull, **REFUSED}, summary="Write the next version"
)
def edit_policy(request: HttpRequest, policy: PolicyId, wanted: VersionWanted) -> PolicyInFull:
    """It takes the role admin. It runs from the next evaluation on. Without a change, no version is made."""
    row = policy_with(person(request), policy, Action.MANAGE_POLICIES)
    by = actor(request)
    if wanted.code is not None:
        writing.edit(row, wanted.code, based_on=wanted.based_on, by=by, note=wanted.note)
    else:
        writing.set_params(row, wanted.params or {}, based_on=wanted.based_on, by=by)
    return _fresh(row)


@router.post(
    "/policies/{policy}/revert",
    response={200: PolicyInFull, **REFUSED},
    summary="Bring back an older version",
)
def revert_policy(request: HttpRequest, policy: PolicyId, wanted: RevertWanted) -> PolicyInFull:
    """It takes the role admin. It makes a new version with the code and the parameters of the older one."""
    row = policy_with(person(request), policy, Action.MANAGE_POLICIES)
    writing.revert(row, wanted.to, based_on=wanted.based_on, by=actor(request), note=wanted.note)
    return _fresh(row)


@router.get(
    "/policies/{policy}/diff",
    response={200: DifferenceAnswer, 404: ErrorAnswer},
    summary="What is different between two versions",
)
def diff(request: HttpRequest, policy: PolicyId, before: Before = 0, after: After = 0) -> DifferenceAnswer:
    """Their code, and their parameters."""
    row = policy_with(person(request), policy)
    newer = writing.version_of(row, after) if after else writing.newest_of_row(row)
    older = writing.version_of(row, before or max(newer.number - 1, 1))
    names = (f"version {older.number}", f"version {newer.number}")
    keys = sorted({*older.params, *newer.params})
    pairs = {key: [older.params.get(key), newer.params.get(key)] for key in keys}
    return DifferenceAnswer(
        before=older.number,
        after=newer.number,
        diff=unified(older.code, newer.code, names=names),
        params={key: pair for key, pair in pairs.items() if pair[0] != pair[1]},
    )


def _fresh(row: Policy) -> PolicyInFull:
    return in_full(with_newest(Policy.objects.filter(pk=row.pk)).get())
