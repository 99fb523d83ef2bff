"""Webhook addresses that name no connection, as the systems have them that people come from.

The connection is found by its secret: it is the one whose secret signs what came. If several share that secret, those that
have the repository receive the delivery.
"""

from collections.abc import Mapping, Sequence

import structlog

from seatrial.control.forges import intake
from seatrial.control.forges.errors import TooManyConnections, UnknownConnection, UnreadablePayload
from seatrial.control.forges.intake import Reception
from seatrial.control.forges.models import DeliveryResult
from seatrial.control.forges.protocol import Webhooks
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection, Project
from seatrial.control.projects.webhook_secrets import valid_secrets
from seatrial.control.vault.errors import VaultError

log = structlog.get_logger(__name__)

MOST_CONNECTIONS = 200
# What anybody can have hashed with one request: its body once for each secret, and a connection may have two.
MOST_HASHED = 256 * 1024 * 1024


def bound(kind: str) -> int:
    """How large the body of a webhook to this address may be. Raises UnknownConnection and TooManyConnections."""
    secrets = 2 * len(_connections(kind))
    return min(intake.MAX_BYTES, MOST_HASHED // secrets)


def receive(kind: str, headers: Mapping[str, str], body: bytes) -> Reception:
    """`intake.receive`, by the connection whose secret signs the body.

    The secrets of all connections of this kind are compared, each in constant time. If none signs it, nothing is stored,
    because it is nobody's; unless there is only one connection. Raises NoSuchForge, UnknownConnection, TooManyConnections.
    """
    webhooks = registered(kind).webhooks
    rows = _connections(kind)
    if len(rows) == 1:
        return intake.receive(rows[0], headers, body)
    known = [(row, _secrets(row)) for row in rows]
    signers = [row for row, secrets in known if webhooks.signed(headers, body, secrets)]
    named = webhooks.read(headers)
    if named.misdirected:
        return Reception(400, str(DeliveryResult.REJECTED_PARSE), named.misdirected)
    if not signers:
        return _refused(kind, any_secret=any(secrets for _, secrets in known))
    concerned = _concerned(signers, webhooks, named.event, body)
    first, *_ = [intake.receive(row, headers, body) for row in concerned]
    return first


def _connections(kind: str) -> list[Connection]:
    registered(kind)
    rows = list(Connection.objects.filter(forge=kind).order_by("id")[: MOST_CONNECTIONS + 1])
    if not rows:
        raise UnknownConnection
    if len(rows) > MOST_CONNECTIONS:
        raise TooManyConnections(MOST_CONNECTIONS)
    return rows


def _secrets(row: Connection) -> list[str]:
    try:
        return valid_secrets(row)
    except VaultError:
        return []  # it signs nothing; its own address says why


def _concerned(
    signers: Sequence[Connection], webhooks: Webhooks, event_name: str, body: bytes
) -> Sequence[Connection]:
    """Those that have the repository, or else the first one."""
    if len(signers) == 1:
        return signers
    try:
        event = webhooks.parse(event_name, body)
    except UnreadablePayload:
        event = None
    if event is None:
        return signers[:1]
    rows = Project.objects.filter(connection__in=signers, external_id=event.external_id, archived_at=None)
    connected = set(rows.values_list("connection_id", flat=True))
    return [row for row in signers if row.pk in connected] or signers[:1]


def _refused(kind: str, *, any_secret: bool) -> Reception:
    log.info("webhook refused: no connection's secret signs it", forge=kind)
    if not any_secret:
        message = f"No webhook secret is stored for any connection of the kind {kind}. Rotate one in, and paste it at the forge."
        return Reception(401, str(DeliveryResult.REJECTED_SECRET), message)
    message = f"The signature matches no connection of the kind {kind}: the webhook secret here and at the forge differ."
    return Reception(401, str(DeliveryResult.REJECTED_SIGNATURE), message)
