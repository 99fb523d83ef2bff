"""What state a certificate is in, now."""

from datetime import datetime, timedelta
from enum import StrEnum

from seatrial.control.certificates.models import Served, Source
from seatrial.control.certificates.naming import covers

SOON = timedelta(days=21)
PART = 4  # of its life: who renews by then has had a try or two
PATIENCE = timedelta(minutes=5)  # DNS-01 takes one or two


class CertificateState(StrEnum):
    """Each has a row in docs/install/compose.md."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    PENDING = "pending"
    SELF_SIGNED = "self_signed"
    WRONG_NAMES = "wrong_names"
    UNTRUSTED = "untrusted"
    UNSEEN = "unseen"


def state_of(row: Served, now: datetime) -> CertificateState:
    """The first that applies."""
    if row.unanswered or row.not_before is None or row.not_after is None:
        return CertificateState.UNSEEN
    if row.is_stopgap:
        return CertificateState.PENDING if row.source == Source.ACME else CertificateState.SELF_SIGNED
    applies = {
        CertificateState.WRONG_NAMES: not covers(row.names, row.name),
        CertificateState.EXPIRED: now >= row.not_after,
        CertificateState.NOT_YET_VALID: now < row.not_before,
        CertificateState.EXPIRING: now >= row.not_after - warned_before(row.not_before, row.not_after),
        CertificateState.UNTRUSTED: bool(row.mistrust),
    }
    return next((state for state, does in applies.items() if does), CertificateState.VALID)


def warned_before(not_before: datetime, not_after: datetime) -> timedelta:
    """How long before its end: three weeks, or a quarter of a life that is shorter than twelve."""
    return min(SOON, (not_after - not_before) / PART)
