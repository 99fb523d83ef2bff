"""REST: receives webhooks."""

from typing import Annotated

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from ninja import Field, Path, Query, Router, Schema

from seatrial.control.answers import ErrorAnswer, error_body
from seatrial.control.forges import body_bound, intake, shared_door
from seatrial.control.forges.errors import UnknownConnection
from seatrial.control.forges.intake import Reception

router = Router(tags=["forges"])

ForgeKind = Annotated[str, Path(description="The kind of the code host.")]
ConnectionId = Annotated[str, Path(description="Id of the connection.")]
SecretKey = Annotated[
    str,
    Query(description="Fingerprint of the secret that the webhook was made with. Nothing is decided by it."),
]


class ReceptionAnswer(Schema):
    """What became of a webhook."""

    result: str = Field(description="accepted, duplicate, or rejected and why.")
    delivery: str = Field(description="Id of the stored delivery; empty for a duplicate.")
    message: str = Field(description="What is wrong, or why nothing follows; empty otherwise.")


RECEIVED = {
    200: ReceptionAnswer,
    202: ReceptionAnswer,
    400: ErrorAnswer,
    401: ErrorAnswer,
    404: ErrorAnswer,
}


@router.post("/webhooks/{forge}/{connection}", auth=None, response=RECEIVED, summary="Receive a webhook")
def receive_webhook(
    request: HttpRequest, forge: ForgeKind, connection: ConnectionId, key: SecretKey = ""
) -> JsonResponse:
    """The forge's signature is checked, the delivery is stored, and only then answered. It is handled afterwards.

    A delivery with an id that was accepted before changes nothing.
    """
    source = body_bound.find(forge, connection)
    if source is None:
        raise UnknownConnection
    body = _body(request, intake.MAX_BYTES)
    if body is None:
        return _too_large(intake.MAX_BYTES)
    return _answer(intake.receive(source, request.headers, body))


@router.post(
    "/webhooks/{forge}",
    auth=None,
    response=RECEIVED,
    summary="Receive a webhook at an address that names no connection",
)
def receive_shared_webhook(request: HttpRequest, forge: ForgeKind) -> JsonResponse:
    """The same for the connection whose secret signs the body, and which has the repository. Also at /api/webhooks/{forge}/."""
    most = shared_door.bound(forge)
    body = _body(request, most)
    if body is None:
        return _too_large(most)
    return _answer(shared_door.receive(forge, request.headers, body))


def _body(request: HttpRequest, most: int) -> bytes | None:
    """None: it is too large."""
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= most else None


def _too_large(most: int) -> JsonResponse:
    return JsonResponse(error_body("too_large", f"A delivery may have at most {most:,} bytes."), status=413)


def _answer(reception: Reception) -> JsonResponse:
    return JsonResponse(reception.document, status=reception.status)
