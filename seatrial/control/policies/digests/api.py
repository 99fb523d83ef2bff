"""REST: weekly digests."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema
from pydantic import Field as Checked

from seatrial.control.accounts.access import find_visible, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.asked import REFUSED, WorkspaceSlug
from seatrial.control.policies.authoring.finding import managed
from seatrial.control.policies.digests import making
from seatrial.control.policies.digests.models import Digest, DigestTime
from seatrial.control.policies.digests.shape import DigestBody

router = Router(tags=["policies"])
DigestId = Annotated[str, Path(description="Id of a digest.")]
MOST = 60


class DigestRow(Schema):
    """A digest in a list."""

    id: str = Field(description="Its id.")
    since: datetime = Field(description="When it begins.")
    until: datetime = Field(description="When it ends, which is when it was made.")
    newly_failing: int = Field(description="How much fails, and did not.")
    newly_passing: int = Field(description="How much passes, and failed or was waived.")


class DigestTimeWanted(Schema):
    """When digests are made."""

    day: str = Checked(max_length=10, description="A day of the week, such as monday; or never.")
    hour: int = Checked(7, description="From 0 to 23, in UTC.")


class DigestTimeAnswer(Schema):
    """When digests of a workspace are made."""

    day: str = Field(description="A day of the week, such as monday; or never.")
    hour: int = Field(description="From 0 to 23, in UTC.")
    due_at: datetime | None = Field(description="When the next one is made; null: never.")


@router.get(
    "/workspaces/{workspace}/digest",
    response={200: DigestBody, **REFUSED},
    summary="What a digest would say now",
)
def preview_digest(request: HttpRequest, workspace: WorkspaceSlug) -> DigestBody:
    """Of the last week. Nobody is told."""
    return making.so_far(workspace_named(person(request), workspace))


@router.get(
    "/workspaces/{workspace}/digests",
    response={200: list[DigestRow], **REFUSED},
    summary="List the digests of a workspace",
)
def list_digests(request: HttpRequest, workspace: WorkspaceSlug) -> list[DigestRow]:
    """The newest 60, the newest first."""
    rows = workspace_named(person(request), workspace).digests.order_by("-until")[:MOST]
    return [
        DigestRow(
            id=row.pk,
            since=row.since,
            until=row.until,
            newly_failing=len(row.body["newly_failing"]),
            newly_passing=len(row.body["newly_passing"]),
        )
        for row in rows
    ]


@router.get("/digests/{digest}", response={200: DigestBody, **REFUSED}, summary="One digest")
def get_digest(request: HttpRequest, digest: DigestId) -> DigestBody:
    """As it was made."""
    return DigestBody.model_validate(find_visible(person(request), Digest, digest).body)


@router.get(
    "/workspaces/{workspace}/digest-time",
    response={200: DigestTimeAnswer, **REFUSED},
    summary="When digests of a workspace are made",
)
def get_digest_time(request: HttpRequest, workspace: WorkspaceSlug) -> DigestTimeAnswer:
    """On Mondays at 7:00 UTC, if nobody said anything else."""
    return _time(making.time_of(workspace_named(person(request), workspace)))


@router.patch(
    "/workspaces/{workspace}/digest-time",
    response={200: DigestTimeAnswer, **REFUSED},
    summary="Have digests made at another time",
)
def set_digest_time(
    request: HttpRequest, workspace: WorkspaceSlug, wanted: DigestTimeWanted
) -> DigestTimeAnswer:
    """It takes the role admin."""
    found = managed(person(request), workspace)
    return _time(making.set_time(found, wanted.day, wanted.hour, by=actor(request)))


def _time(row: DigestTime) -> DigestTimeAnswer:
    return DigestTimeAnswer(day=row.day, hour=row.hour, due_at=row.due_at)
