"""Handling a stored delivery once more."""

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.forges import intake
from seatrial.control.forges.errors import NotReplayable
from seatrial.control.forges.models import Delivery, DeliveryResult

WHY_NOT = {
    DeliveryResult.REJECTED_SIGNATURE: "It cannot be replayed: nobody has proved to have sent this body, and only its beginning is kept. "
    "When the secrets agree, have the code host send it again.",
    DeliveryResult.REJECTED_SECRET: "It cannot be replayed: without a secret nobody could prove to have sent this body, and only its "
    "beginning is kept. When a secret is stored on both sides, have the code host send it again.",
    DeliveryResult.REJECTED_PARSE: "It cannot be replayed: its payload could not be read, and only its beginning is kept. Have the code host send it "
    "again when the cause is mended.",
}


@transaction.atomic
def replay(delivery: Delivery, *, by: Actor) -> None:
    """Have the worker handle the stored body again, as a new attempt. Audited.

    It is handled as if it had just come: what is known in a newer state stays as it is. Raises NotReplayable for one that
    was rejected, and for one that waits to be handled anyway.
    """
    row = Delivery.objects.select_for_update(of=("self",)).select_related("connection").get(pk=delivery.pk)
    if row.result != DeliveryResult.ACCEPTED:
        raise NotReplayable(WHY_NOT[DeliveryResult(row.result)])
    if row.handled_at is None:
        raise NotReplayable("It is about to be handled: there is nothing to replay yet.")
    row.handled_at, row.attempts, row.ending = None, 0, ""
    row.replayed_at, row.replayed_by = timezone.now(), str(by)[:200]
    row.save(update_fields=["handled_at", "attempts", "ending", "replayed_at", "replayed_by"])
    audit.record(
        "delivery.replay",
        f"delivery/{row.pk}",
        by=by,
        workspace=row.connection.workspace_id,
        details={"delivery_id": row.delivery_id, "event": row.event},
    )
    with database.cursor() as cursor:  # sent when this transaction commits
        cursor.execute("SELECT pg_notify(%s, %s)", [intake.CHANNEL, row.pk])
    delivery.refresh_from_db(fields=["handled_at", "attempts", "ending", "replayed_at", "replayed_by"])
