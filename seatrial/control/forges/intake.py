"""Receives webhooks: checks the signature, stores the delivery, answers. The worker handles the delivery later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db import connection
from django.db.models import Min, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from seatrial.control.answers import error_body
from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.models import Delivery, DeliveryResult, Ending
from seatrial.control.forges.protocol import WebhookHeaders, Webhooks
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection
from seatrial.control.projects.webhook_secrets import valid_secrets
from seatrial.control.vault.errors import VaultError

MAX_BYTES = 25 * 1024 * 1024
KEPT_OF_REJECTED = 4096  # bytes; few, because anybody who knows the address can send them
CHANNEL = "seatrial_deliveries"


@dataclass(frozen=True)
class Reception:
    """How a delivery was received. `result` is a DeliveryResult, or `duplicate`."""

    status: int
    result: str
    message: str
    delivery: str = ""

    @property
    def document(self) -> dict[str, object]:
        """The answer to the forge, as plain data."""
        wrong = error_body("rejected", self.message) if self.status >= 400 else {}
        return {"result": self.result, "delivery": self.delivery, "message": self.message, **wrong}


@dataclass(frozen=True)
class _Judgement:
    result: DeliveryResult
    status: int
    message: str
    relevant: bool = False  # the event is one we act on


def receive(source: Connection, headers: Mapping[str, str], body: bytes) -> Reception:
    """Judge and store one delivery. It is durable when this returns, so the forge may be answered.

    A repeat of an accepted delivery (same id, same connection) changes nothing and is answered as `duplicate`; a repeat
    of a rejected one is judged afresh. Raises NoSuchForge.
    """
    webhooks = registered(source.forge).webhooks
    named = webhooks.read(headers)
    return _keep(source, headers, body, named, _judge(source, webhooks, named, headers, body))


def receive_fetched(source: Connection, headers: Mapping[str, str], body: bytes) -> Reception:
    """Store a delivery that did not come, as its forge had kept it. The same contract as of `receive`.

    It needs no signature: it was read from the forge over the connection.
    """
    webhooks = registered(source.forge).webhooks
    named = webhooks.read(headers)
    return _keep(source, headers, body, named, _read(webhooks, named, body), fetched=True)


def _keep(
    source: Connection,
    headers: Mapping[str, str],
    body: bytes,
    named: WebhookHeaders,
    judgement: _Judgement,
    *,
    fetched: bool = False,
) -> Reception:
    accepted = judgement.result == DeliveryResult.ACCEPTED
    kept = registered(source.forge).webhooks.kept_headers
    delivery = Delivery(
        connection=source,
        delivery_id=_plain(named.delivery_id) or "(none)",
        event=_plain(named.event)[:100],
        headers={name: _plain(headers[name]) for name in kept if name in headers},
        body=body if accepted else body[:KEPT_OF_REJECTED],
        fetched=fetched,
        result=judgement.result,
        outcome="" if judgement.relevant else judgement.message,
        ending=Ending.IGNORED if accepted and not judgement.relevant else "",
        handled_at=None if judgement.relevant else timezone.now(),
    )
    if not _store(delivery):
        return Reception(200, "duplicate", "This delivery was accepted before; nothing changed.")
    if judgement.relevant:
        _wake(delivery)
    return Reception(judgement.status, str(judgement.result), judgement.message, delivery.pk)


def waiting() -> QuerySet[Delivery]:
    """The accepted deliveries that the worker has not handled."""
    return Delivery.objects.filter(handled_at=None, result=DeliveryResult.ACCEPTED)


def unhandled_since() -> datetime | None:
    """Since when the oldest accepted delivery has waited for the worker, without having failed; None: all is handled."""
    since: datetime | None = (
        waiting().filter(attempts=0).aggregate(since=Min(Coalesce("replayed_at", "received_at")))["since"]
    )
    return since


def _store(delivery: Delivery) -> bool:
    """Store it; False when one with its id was accepted before. Alone, it is durable when this returns.

    In SQL of our own, because Django would take longer to write its own than the database does to run it.
    """
    fields = Delivery._meta.concrete_fields
    values = [field.get_db_prep_save(field.pre_save(delivery, True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_insert(), values)
        return bool(cursor.rowcount)


@cache
def _insert() -> str:
    names = [str(field.column) for field in Delivery._meta.concrete_fields]
    return (
        f"INSERT INTO {Delivery._meta.db_table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608
        f" ON CONFLICT (connection_id, delivery_id) WHERE result = '{DeliveryResult.ACCEPTED}' DO NOTHING"
    )


def _wake(delivery: Delivery) -> None:
    """Wake the worker. Its sweep finds the delivery should this process die before.

    Not in the transaction that stored it: those that notify are committed one after the other, each with its write to the
    disk. This one writes nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, delivery.pk])


def _judge(
    source: Connection, webhooks: Webhooks, named: WebhookHeaders, headers: Mapping[str, str], body: bytes
) -> _Judgement:
    if named.misdirected:
        return _Judgement(DeliveryResult.REJECTED_PARSE, 400, named.misdirected)
    try:
        secrets = valid_secrets(source)
    except VaultError as error:
        return _Judgement(DeliveryResult.REJECTED_SECRET, 401, str(error))
    if not secrets:
        message = "No webhook secret is stored for this connection. Rotate one in, and paste it at the forge."
        return _Judgement(DeliveryResult.REJECTED_SECRET, 401, message)
    if not webhooks.signed(headers, body, secrets):
        message = "The signature does not match: the webhook secret here and at the forge differ."
        return _Judgement(DeliveryResult.REJECTED_SIGNATURE, 401, message)
    if not named.delivery_id or not named.event:
        return _Judgement(
            DeliveryResult.REJECTED_PARSE, 400, "The headers with the event and its id are missing."
        )
    return _read(webhooks, named, body)


def _read(webhooks: Webhooks, named: WebhookHeaders, body: bytes) -> _Judgement:
    try:
        event = webhooks.parse(named.event, body)
    except UnreadablePayload as error:
        return _Judgement(DeliveryResult.REJECTED_PARSE, 400, str(error))
    if event is None:
        return _Judgement(
            DeliveryResult.ACCEPTED, 202, f"ignored: there is nothing to do for {_plain(named.event)}"
        )
    return _Judgement(DeliveryResult.ACCEPTED, 202, "", relevant=True)


def _plain(text: str) -> str:
    """A header's value, made to fit its column."""
    return text.replace("\x00", "")[:200]
