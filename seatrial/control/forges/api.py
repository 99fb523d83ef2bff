"""REST: webhooks in, and the deliveries they became."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from ninja import Router, Schema

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.answers import ErrorAnswer, error_body
from seatrial.control.forges import body_bound, intake
from seatrial.control.forges.errors import UnknownConnection
from seatrial.control.forges.models import Delivery

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
    """Signed by the forge; stored before it is answered, de-duplicated by its delivery id, handled after."""
    source = body_bound.find(forge, connection)
    if source is None:
        raise UnknownConnection
    try:
        body = request.body
    except RequestDataTooBig:
        body = None
    if body is None or len(body) > intake.MAX_BYTES:
        message = f"A delivery may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes."
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
    """Those of the connections whose deliveries you may view. `result` filters by the exact words."""
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
