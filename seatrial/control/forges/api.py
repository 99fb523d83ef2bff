"""REST: receives webhooks, and lists the deliveries they became."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from ninja import Router, Schema

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.answers import ErrorAnswer, error_body
from seatrial.control.forges import intake
from seatrial.control.forges.models import Delivery
from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Connection

router = Router(tags=["forges"])

MAX_LISTED = 200


class DeliveryAnswer(Schema):
    """One delivery."""

    id: str
    connection: str
    delivery_id: str
    event: str
    result: str
    outcome: str
    received_at: datetime
    handled_at: datetime | None
    attempts: int


class ReceptionAnswer(Schema):
    """What became of a webhook."""

    result: str
    delivery: str
    message: str


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
def receive_webhook(request: HttpRequest, forge: str, connection: str) -> JsonResponse:
    """The forge's signature is checked, the delivery is stored, and only then answered. It is handled afterwards.

    A delivery with an id that was accepted before changes nothing.
    """
    source = _connection(forge, connection)
    if source is None:
        message = "No connection has this webhook address. Copy the address from the connection's page."
        return JsonResponse(error_body("unknown_connection", message), status=404)
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
def list_deliveries(request: HttpRequest, result: str = "", limit: int = 50) -> list[DeliveryAnswer]:
    """The deliveries of all connections whose deliveries you may view. `result` must match exactly."""
    rows = visible(person(request), Delivery).defer("body", "headers").order_by("-id")
    if result:
        rows = rows.filter(result=result)
    return [_answer(row) for row in rows[: max(1, min(limit, MAX_LISTED))]]


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


def _connection(forge: str, connection: str) -> Connection | None:
    if not connection.isalnum() or forge not in FORGES:  # saves a query for an address that cannot exist
        return None
    return Connection.objects.filter(pk=connection, forge=forge).first()
