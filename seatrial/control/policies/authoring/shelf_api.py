"""REST: the catalogue of packs."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router, Schema
from pydantic import Field

from seatrial.control.accounts.access import workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.authoring import shelf
from seatrial.control.policies.authoring.answers import PackAnswer, PolicyAnswer, answer, pack_answer
from seatrial.control.policies.authoring.api import REFUSED
from seatrial.control.policies.authoring.finding import managed, with_newest
from seatrial.control.policies.models import Policy

router = Router(tags=["policies"])
PackSlug = Annotated[str, Path(description="Slug of a pack.")]
WorkspaceSlug = Annotated[str, Path(description="Slug of a workspace that you are in.")]


class InstallWanted(Schema):
    """What to install of a pack."""

    policies: list[str] = Field(
        [], max_length=200, description="Slugs of policies of the pack; empty: all of them."
    )
    replace: bool = Field(
        False,
        description="Whether versions that people made get a newer one with the pack's code; otherwise they stay.",
    )


@router.get(
    "/workspaces/{workspace}/packs",
    response={200: list[PackAnswer], **REFUSED},
    summary="The packs that there are",
)
def list_packs(request: HttpRequest, workspace: WorkspaceSlug) -> list[PackAnswer]:
    """And what of them is installed in the workspace."""
    return [pack_answer(one) for one in shelf.shelves(workspace_named(person(request), workspace))]


@router.post(
    "/workspaces/{workspace}/packs/{pack}/install",
    response={200: list[PolicyAnswer], **REFUSED},
    summary="Install or update a pack",
)
def install_pack(
    request: HttpRequest, workspace: WorkspaceSlug, pack: PackSlug, wanted: InstallWanted
) -> list[PolicyAnswer]:
    """It takes the role admin. The answer has the policies that were installed or got a newer version."""
    space = managed(person(request), workspace)
    changed = shelf.install(space, pack, wanted.policies, by=actor(request), replace=wanted.replace)
    rows = with_newest(Policy.objects.filter(pk__in=[one.pk for one in changed]))
    return [answer(row) for row in rows.order_by("slug")]
