"""REST: receives webhooks, and lists the deliveries they became."""

from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Field, Path, Query, Router, Schema

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.answers import ErrorAnswer, error_body
from seatrial.control.forges import body_bound, intake
from seatrial.control.forges.errors import UnknownConnection
from seatrial.control.forges.models import Delivery
from seatrial.control.listing import Cursor, Limit, page

router = Router(tags=["forges"])

ForgeKind = Annotated[str, Path(description="The kind of the code host.")]
ConnectionId = Annotated[str, Path(description="Id of the connection.")]
SecretKey = Annotated[
    str,
    Query(description="Fingerprint of the secret that the webhook was made with. Nothing is decided by it."),
]
Result = Annotated[str, Query(description="Only those with exactly this result, such as accepted.")]


class DeliveryAnswer(Schema):
    """One delivery."""

    id: str = Field(description="Its id here.")
    connection: str = Field(description="Id of the connection that it came to.")
    delivery_id: str = Field(description="The forge's own id for it.")
    event: str = Field(description="The forge's word for what happened.")
    result: str = Field(description="What the intake said: accepted, or rejected and why.")
    outcome: str = Field(description="What it led to, for people; empty until it was handled.")
    received_at: datetime = Field(description="When it came.")
    handled_at: datetime | None = Field(description="When it was handled; null until then.")
    attempts: int = Field(description="How many times Seatrial has tried to handle it.")


class ReceptionAnswer(Schema):
    """What became of a webhook."""

    result: str = Field(description="accepted, duplicate, or rejected and why.")
    delivery: str = Field(description="Id of the stored delivery; empty for a duplicate.")
    message: str = Field(description="What is wrong, or why nothing follows; empty otherwise.")


@router.post(
    "/webhooks/{forge}/{connection}",
    auth=None,
    response={
        200: ReceptionAnswer,
        202: ReceptionAnswer,
        400: ErrorAnswer,
        401: ErrorAnswer,
        404: ErrorAnswer,
    },
    summary="Receive a webhook",
)
def receive_webhook(
    request: HttpRequest, forge: ForgeKind, connection: ConnectionId, key: SecretKey = ""
) -> JsonResponse:
    """The forge's signature is checked, the delivery is stored, and only then answered. It is handled afterwards.

    A delivery with an id that was accepted before changes nothing.
    """
    source = body_bound.find(forge, connection)
    if source is None:
        raise UnknownConnection
    try:
        body = request.body
    except RequestDataTooBig:
        body = None
    if body is None or len(body) > intake.MAX_BYTES:
        message = f"A delivery may have at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes."
        return JsonResponse(error_body("too_large", message), status=413)
    reception = intake.receive(source, request.headers, body)
    answer: dict[str, object] = {
        "result": reception.result,
        "delivery": reception.delivery,
        "message": reception.message,
    }
    if reception.status >= 400:
        answer |= error_body("rejected", reception.message)
    return JsonResponse(answer, status=reception.status)


@router.get("/deliveries", response=list[DeliveryAnswer], summary="List deliveries, newest first")
def list_deliveries(
    request: HttpRequest, response: HttpResponse, result: Result = "", limit: Limit = 50, cursor: Cursor = ""
) -> list[DeliveryAnswer]:
    """The deliveries of all connections whose deliveries you may view."""
    rows = visible(person(request), Delivery).defer("body", "headers")
    if result:
        rows = rows.filter(result=result)
    return [_answer(row) for row in page(rows, request, response, by=("-id",), limit=limit, cursor=cursor)]


def _answer(row: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        id=row.pk,
        connection=row.connection_id,
        delivery_id=row.delivery_id,
        event=row.event,
        result=row.result,
        outcome=row.outcome,
        received_at=row.received_at,
        handled_at=row.handled_at,
        attempts=row.attempts,
    )
