"""REST: the deliveries that webhooks became, replaying one, and testing a webhook."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router, Schema
from pydantic import AwareDatetime

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.audit.actors import Actor
from seatrial.control.errors import ControlError
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.deliveries import about, replay
from seatrial.control.forges.deliveries.advice import advice
from seatrial.control.forges.deliveries.firing import fire, wait
from seatrial.control.forges.deliveries.payload import SHOWN, text_of
from seatrial.control.forges.deliveries.search import Wanted, matching
from seatrial.control.forges.models import Delivery
from seatrial.control.listing import Cursor, Limit, page
from seatrial.control.projects.models import Connection, Project

router = Router(tags=["forges"])

DeliveryId = Annotated[str, Path(description="Id of the delivery.")]
WAIT_SECONDS = 10.0
PROBLEMS = {403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}
Search = Annotated[
    str,
    Query(
        description="Only those with this text in their repository, connection, event or outcome, or with this id, here or at the "
        "forge. acme/shop#7 finds those about that pull request."
    ),
]
Result = Annotated[str, Query(description="Only those with exactly this result, such as accepted.")]
Ended = Annotated[
    str, Query(description="Only those that ended so: done, ignored, not connected or given up.")
]
Event = Annotated[str, Query(description="Only those of this event, in the forge's word.")]
OfConnection = Annotated[str, Query(description="Only those of the connection with this id.")]
Since = Annotated[AwareDatetime | None, Query(description="Only those that came at this time or later.")]
Until = Annotated[AwareDatetime | None, Query(description="Only those that came before this time.")]


class DeliveryAnswer(Schema):
    """One delivery."""

    id: str = Field(description="Its id here.")
    connection: str = Field(description="Id of the connection that it came to.")
    delivery_id: str = Field(description="The forge's own id for it.")
    event: str = Field(description="The forge's word for what happened.")
    result: str = Field(description="What the intake said: accepted, or rejected and why.")
    outcome: str = Field(description="What it led to, for people; empty until it was handled.")
    ending: str = Field(
        description="done, ignored, not connected or given up; empty until it was handled, or if it was rejected."
    )
    fix: str = Field(description="What to do, for people; empty when there is nothing to do.")
    repository: str = Field(description="Full name of the repository that it is about; empty if unknown.")
    project: str = Field(description="Id of the project of that repository; empty if none is connected.")
    number: int | None = Field(description="Number of the pull request that it is about; null if none.")
    fetched: bool = Field(description="Whether it did not come, and was read from the forge later.")
    received_at: datetime = Field(description="When it came.")
    handled_at: datetime | None = Field(description="When it was handled; null until then.")
    attempts: int = Field(
        description="How many times Seatrial has tried to handle it since it came or was last replayed."
    )


class AttemptAnswer(Schema):
    """One attempt to handle a delivery."""

    at: datetime = Field(description="When it ended.")
    failed: bool = Field(description="Whether it failed; the outcome says why.")
    outcome: str = Field(description="What it led to, for people.")
    by: str = Field(description="Who asked for the replay; empty if it was none.")


class WholeDeliveryAnswer(DeliveryAnswer):
    """One delivery with what is in it."""

    headers: dict[str, str] = Field(description="The headers that are kept: never a signature or a token.")
    payload: str = Field(description=f"The first {SHOWN:,} characters of its body, as it came.")
    size: int = Field(description="The bytes of the body that are kept; of a rejected one, only the first.")
    tries: list[AttemptAnswer] = Field(description="The attempts to handle it, the oldest first.")


class WebhookTestAnswer(Schema):
    """What came of a test of a webhook."""

    sender: str = Field(description="Who sent it, for people; empty if nobody did.")
    delivery: str = Field(description="Id of the delivery that came; empty if none came in time.")
    result: str = Field(
        description="What the intake said: accepted, or rejected and why; empty if none came."
    )
    problem: str = Field(description="What is wrong, and the fix, for people; empty if nothing is.")


@router.get("/deliveries", response=list[DeliveryAnswer], summary="List deliveries, newest first")
def list_deliveries(
    request: HttpRequest,
    response: HttpResponse,
    search: Search = "",
    result: Result = "",
    ending: Ended = "",
    event: Event = "",
    connection: OfConnection = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> list[DeliveryAnswer]:
    """The deliveries of all connections whose deliveries you may view."""
    wanted = Wanted(
        search=search,
        result=result,
        ending=ending,
        event=event,
        connection=connection,
        since=since,
        until=until,
    )
    rows = matching(visible(person(request), Delivery).defer("body", "headers"), wanted)
    return answers(page(rows, request, response, by=("-id",), limit=limit, cursor=cursor))


@router.get(
    "/deliveries/{delivery}", response={200: WholeDeliveryAnswer, **PROBLEMS}, summary="Show a delivery"
)
def show_delivery(request: HttpRequest, delivery: DeliveryId) -> WholeDeliveryAnswer:
    """With its headers, its payload, and the attempts to handle it."""
    row = find_visible(person(request), Delivery, delivery)
    tries = [
        AttemptAnswer(at=one.at, failed=one.failed, outcome=one.outcome, by=one.by) for one in row.tries.all()
    ]
    return WholeDeliveryAnswer(
        **answers([row])[0].dict(),
        headers=row.headers,
        payload=text_of(row),
        size=len(row.body),
        tries=tries,
    )


@router.post(
    "/deliveries/{delivery}/replay", response={200: DeliveryAnswer, **PROBLEMS}, summary="Replay a delivery"
)
def replay_delivery(request: HttpRequest, delivery: DeliveryId) -> DeliveryAnswer:
    """Handle the stored body again. What is known in a newer state stays as it is. Rejected ones cannot be replayed."""
    row = find_visible(person(request), Delivery, delivery, "connection")
    require(person(request), Action.REPLAY_DELIVERIES, row)
    replay.replay(row, by=actor(request))
    return answers([row])[0]


def answers(rows: Sequence[Delivery]) -> list[DeliveryAnswer]:
    """The answers of rows, with one query for their projects."""
    projects = about.projects_of(rows)
    return [_answer(row, projects.get(row.pk)) for row in rows]


def _answer(row: Delivery, project: Project | None) -> DeliveryAnswer:
    said = advice(row)
    return DeliveryAnswer(
        id=row.pk,
        connection=row.connection_id,
        delivery_id=row.delivery_id,
        event=row.event,
        result=row.result,
        outcome=row.outcome,
        ending=row.ending,
        fix=said.fix if said else "",
        repository=row.repository,
        project=project.pk if project else "",
        number=row.number,
        fetched=row.fetched,
        received_at=row.received_at,
        handled_at=row.handled_at,
        attempts=row.attempts,
    )


def try_webhook(connection: Connection, project: Project | None, *, by: Actor) -> WebhookTestAnswer:
    """Send a test, and wait for it for WAIT_SECONDS. Holds no transaction."""
    try:
        fired = fire(OF_WEB, connection, by=by, project=project)
    except ControlError as error:
        return WebhookTestAnswer(sender="", delivery="", result="", problem=str(error))
    row = wait(connection, fired, WAIT_SECONDS)
    if row is None:
        problem = f"Nothing came within {WAIT_SECONDS:g} seconds. Does the code host reach {hooks.address(connection)}?"
        return WebhookTestAnswer(sender=fired.sender, delivery="", result="", problem=problem)
    said = advice(row)
    problem = f"{said.cause}. {said.fix}" if said else ""
    return WebhookTestAnswer(sender=fired.sender, delivery=row.pk, result=row.result, problem=problem)
