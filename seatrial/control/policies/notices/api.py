"""REST: notices to addresses elsewhere."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema
from ninja.responses import Status
from pydantic import Field as Checked

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.errors import NotFound
from seatrial.control.policies.asked import REFUSED, WorkspaceSlug
from seatrial.control.policies.authoring.finding import managed
from seatrial.control.policies.notices import services
from seatrial.control.policies.notices.models import KINDS, Notice, NoticeKind, Subscription

router = Router(tags=["policies"])
SubscriptionId = Annotated[str, Path(description="Id of a subscription.")]
NoticeId = Annotated[str, Path(description="Id of a notice.")]
MOST = 100


class SubscriptionWanted(Schema):
    """An address, and what it is to be told of."""

    url: str = Checked(max_length=2_000, description="The address. It begins with https://.")
    kinds: list[str] = Field(description=f"At least one of {', '.join(KINDS)}.")


class SubscriptionAnswer(Schema):
    """An address that is told of some kinds of things."""

    id: str = Field(description="Its id.")
    workspace: str = Field(description="The workspace's slug.")
    url: str = Field(description="The address.")
    kinds: list[str] = Field(description="What it is told of.")
    by: str = Field(description="Who added it.")
    created_at: datetime = Field(description="When.")
    secret: str = Field(
        description="With which notices are signed; only in the answer to adding it, empty otherwise."
    )


class NoticeAnswer(Schema):
    """One thing that an address was told, or is to be."""

    id: str = Field(description="Its id, which is also in its header webhook-id.")
    kind: str = Field(description=f"One of {', '.join(NoticeKind)}.")
    body: dict[str, Any] = Field(description="What it says.")
    created_at: datetime = Field(description="When that happened.")
    attempts: int = Field(description="How often it was sent.")
    tried_at: datetime | None = Field(description="When it was sent last; null before that.")
    status: int | None = Field(description="The status that was answered last; null if there was none.")
    problem: str = Field(description="Why the last attempt failed, for people; empty if it did not.")
    over: bool = Field(description="Whether there will be no other attempt: it was taken, or given up.")


@router.get(
    "/workspaces/{workspace}/subscriptions",
    response={200: list[SubscriptionAnswer], **REFUSED},
    summary="List the addresses that are told of things",
)
def list_subscriptions(request: HttpRequest, workspace: WorkspaceSlug) -> list[SubscriptionAnswer]:
    """It takes the role admin."""
    found = managed(person(request), workspace)
    rows = Subscription.objects.filter(workspace=found).select_related("workspace").order_by("id")
    return [_subscription(row) for row in rows]


@router.post(
    "/workspaces/{workspace}/subscriptions",
    response={200: SubscriptionAnswer, **REFUSED},
    summary="Tell an address of things",
)
def subscribe(
    request: HttpRequest, workspace: WorkspaceSlug, wanted: SubscriptionWanted
) -> SubscriptionAnswer:
    """It takes the role admin. Keep the secret: it is not given again."""
    row = services.subscribe(managed(person(request), workspace), wanted.url, wanted.kinds, by=actor(request))
    return _subscription(row, secret=row.secret)


@router.delete(
    "/subscriptions/{subscription}",
    response={204: None, **REFUSED},
    summary="Tell an address nothing any more",
)
def unsubscribe(request: HttpRequest, subscription: SubscriptionId) -> Status[None]:
    """It takes the role admin. What waits for the address is not sent."""
    services.unsubscribe(_found(request, subscription), by=actor(request))
    return Status(204, None)


@router.post(
    "/subscriptions/{subscription}/try",
    response={200: NoticeAnswer, **REFUSED},
    summary="Send a test to an address",
)
def try_address(request: HttpRequest, subscription: SubscriptionId) -> NoticeAnswer:
    """It takes the role admin. What became of it is in the list of its notices."""
    return _notice(services.try_address(_found(request, subscription), by=actor(request)))


@router.get(
    "/subscriptions/{subscription}/notices",
    response={200: list[NoticeAnswer], **REFUSED},
    summary="The newest notices to an address",
)
def list_notices(request: HttpRequest, subscription: SubscriptionId) -> list[NoticeAnswer]:
    """It takes the role admin. The newest 100, the newest first."""
    return [_notice(row) for row in _found(request, subscription).notices.order_by("-id")[:MOST]]


@router.post(
    "/subscriptions/{subscription}/notices/{notice}/again",
    response={200: NoticeAnswer, **REFUSED},
    summary="Send a notice again",
)
def send_again(request: HttpRequest, subscription: SubscriptionId, notice: NoticeId) -> NoticeAnswer:
    """It takes the role admin. It is sent as it was, with the same id."""
    row = _found(request, subscription).notices.filter(pk=notice).first()
    if row is None:
        raise NotFound(f"There is no notice {notice} to this address.")
    services.send_again(row, by=actor(request))
    row.refresh_from_db()
    return _notice(row)


def _found(request: HttpRequest, key: str) -> Subscription:
    return find_allowed(person(request), Action.MANAGE_POLICIES, Subscription, key, "workspace")


def _subscription(row: Subscription, *, secret: str = "") -> SubscriptionAnswer:
    return SubscriptionAnswer(
        id=row.pk,
        workspace=row.workspace.slug,
        url=row.url,
        kinds=row.kinds,
        by=row.by,
        created_at=row.created_at,
        secret=secret,
    )


def _notice(row: Notice) -> NoticeAnswer:
    return NoticeAnswer(
        id=row.pk,
        kind=row.kind,
        body=row.body,
        created_at=row.created_at,
        attempts=row.attempts,
        tried_at=row.tried_at,
        status=row.status,
        problem=row.problem,
        over=row.over,
    )
