"""Sealing: the worker adds each committed entry to the chain, so that no later change of one stays unseen.

Whoever writes an entry waits for nobody: the chain is made afterwards, in batches.
"""

from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from seatrial.control.audit.canonical import GENESIS, content, link
from seatrial.control.audit.models import Anchor, AuditEntry, Seal, UnsealedEntry

SEALING_LOCK = 0x5EA74  # PostgreSQL advisory lock
BATCH = 1000


@dataclass(frozen=True)
class Head:
    """The end of the chain. Who keeps it elsewhere sees later whether somebody computed the chain anew."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def head() -> Head:
    """The last seal; of an empty chain, where it goes on."""
    last = Seal.objects.order_by("-number").first() or Anchor.objects.order_by("-number").first()
    return Head(last.number, last.hash) if last else Head(0, GENESIS)


def seal() -> int:
    """Seal all committed entries that are in no seal yet, in the order of their ids; returns how many.

    Idempotent; any number of workers may call it at once, and one of them does it. Each batch is a transaction of its own, so
    that whoever is killed has sealed a batch or nothing of it. Entries that were committed late come after those before them.
    """
    sealed, after = 0, ""
    while waiting := _waiting(after):
        sealed += _seal(waiting)
        after = waiting[-1]
    return sealed


def _waiting(after: str) -> list[str]:
    rows = UnsealedEntry.objects.filter(entry__gt=after).order_by("entry")
    return list(rows.values_list("entry", flat=True)[:BATCH])


@transaction.atomic
def _seal(waiting: list[str]) -> int:
    if not hold_chain():
        return 0
    still = UnsealedEntry.objects.filter(entry__in=waiting)
    entries = list(AuditEntry.objects.filter(pk__in=list(still.values_list("pk", flat=True))).order_by("pk"))
    end, now = head(), timezone.now()
    seals = []
    for number, entry in enumerate(entries, end.number + 1):
        of = content(entry)
        end = Head(number, link(end.hash, number, of, now))
        seals.append(Seal(number=number, entry=entry.pk, content=of, hash=end.hash, sealed_at=now))
    Seal.objects.bulk_create(seals)
    still.filter(entry__in=[entry.pk for entry in entries]).delete()
    return len(entries)


def hold_chain() -> bool:
    """Keep everybody else from changing the chain until this transaction ends; False: somebody else does that now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALING_LOCK])
        return bool(cursor.fetchone()[0])
