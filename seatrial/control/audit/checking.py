"""Verifying the chain: every entry is what was sealed, none is missing, none was put in beside it.

What it proves: whoever changes, removes or inserts entries without computing all later seals anew is found. Who may write the
whole database can compute them anew, and the triggers do not stop its owner; so the head is printed, logged and shown, and
`expected` is a head that somebody kept elsewhere. Who can write entries at all can also write false ones: the chain says that
they are unchanged since they were sealed, not that they are true.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from django.db import connection
from django.utils import timezone

from seatrial.control.audit.canonical import GENESIS, content, link
from seatrial.control.audit.models import Anchor, AuditEntry, Seal, UnsealedEntry, Verification
from seatrial.control.audit.sealing import Head
from seatrial.control.inputs import InvalidInput

log = structlog.get_logger(__name__)

VERIFY_AGE = timedelta(days=1)
BATCH = 2000
HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
OUTSIDE = """
SELECT id FROM audit_log AS entry
WHERE NOT EXISTS (SELECT FROM audit_chain WHERE audit_chain.entry = entry.id)
  AND NOT EXISTS (SELECT FROM audit_unsealed WHERE audit_unsealed.entry = entry.id)
ORDER BY id LIMIT 1
"""
LOST = """
SELECT entry FROM audit_unsealed AS waiting
WHERE NOT EXISTS (SELECT FROM audit_log WHERE audit_log.id = waiting.entry)
ORDER BY entry LIMIT 1
"""


class FaultKind(StrEnum):
    """What can be wrong with the log."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    OUT_OF_ORDER = "out_of_order"
    OTHER_HEAD = "other_head"


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong, at seal `number` (0: outside the chain), about the entry with the id `entry`."""

    kind: FaultKind
    number: int
    entry: str
    says: str


@dataclass
class Checked:
    """How far a verification came. The chain begins after `removed` entries that aged out, the last of them at `removed_at`."""

    head: Head
    entries: int = 0
    waiting: int = 0
    removed: int = 0
    removed_at: datetime | None = None
    fault: Fault | None = None

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "entries": self.entries,
            "head": str(self.head),
            "waiting": self.waiting,
            "removed": self.removed,
            "removed_at": self.removed_at.isoformat() if self.removed_at else None,
            "fault": asdict(self.fault) if self.fault else None,
        }


def head_of(text: str) -> Head | None:
    """The head that somebody kept, as `seatrial audit verify` prints it; empty: None. Raises InvalidInput."""
    if not text:
        return None
    parts = HEAD.fullmatch(text.strip())
    if parts is None:
        raise InvalidInput("head: not a head. It is NUMBER:HASH, as `audit verify` prints it.")
    return Head(int(parts[1]), parts[2])


def check(expected: Head | None = None) -> Checked:
    """All of `steps` at once; what came of it is kept for the page, unless a head was expected: that may be mistyped."""
    *_, last = steps(expected)
    if expected is None:
        keep(last)
    return last


def steps(expected: Head | None = None) -> Iterator[Checked]:
    """Verify the whole log, some thousand entries at each step; the last value says what was found.

    Changes nothing, holds no transaction open between steps, and needs the same memory however long the log is.
    """
    checked = _beginning()
    if expected is not None and (fault := _before(expected, checked)):
        checked.fault = fault
    yield checked
    while checked.fault is None and (seals := _batch(checked.head.number)):
        entries = AuditEntry.objects.in_bulk([seal.entry for seal in seals])
        for seal in seals:
            checked.fault = _fault(checked.head, seal, entries.get(seal.entry), expected)
            if checked.fault:
                break
            checked.head = Head(seal.number, seal.hash)
            checked.entries += 1
        yield checked
        if checked.fault and _aged_out_meanwhile(checked.fault):
            yield from steps(expected)
            return
    checked.waiting = UnsealedEntry.objects.count()
    checked.fault = checked.fault or _ahead(expected, checked.head) or _outside()
    yield checked


def is_due() -> bool:
    """Whether the last verification is older than VERIFY_AGE."""
    return not Verification.objects.filter(at__gt=timezone.now() - VERIFY_AGE).exists()


def keep(checked: Checked) -> None:
    """Remember what was found, for the page; the log of the process keeps the head, where a person finds it later."""
    fault = checked.fault
    if fault:
        log.error("the audit log is not as it was sealed", fault=fault.kind, says=fault.says)
    else:
        log.info("audit log verified", head=str(checked.head), entries=checked.entries)
    values = {
        "at": timezone.now(),
        "number": checked.head.number,
        "hash": checked.head.hash,
        "fault": fault.kind if fault else "",
        "says": fault.says if fault else "",
    }
    Verification.objects.update_or_create(pk=1, defaults=values)


def _beginning() -> Checked:
    anchor = Anchor.objects.order_by("-number").first()
    if anchor is None:
        return Checked(Head(0, GENESIS))
    return Checked(Head(anchor.number, anchor.hash), removed=anchor.number, removed_at=anchor.at)


def _batch(after: int) -> list[Seal]:
    return list(Seal.objects.filter(number__gt=after).order_by("number")[:BATCH])


def _fault(former: Head, seal: Seal, entry: AuditEntry | None, expected: Head | None) -> Fault | None:
    def fault(kind: FaultKind, says: str) -> Fault:
        return Fault(kind, seal.number, seal.entry, f"{says} (seal {seal.number}).")

    if seal.number != former.number + 1:
        return fault(
            FaultKind.MISSING, f"Seals are missing after {former.number}; the next is of {seal.entry}"
        )
    if entry is None:
        return fault(FaultKind.MISSING, f"The entry {seal.entry} was sealed and is gone")
    if content(entry) != seal.content:
        return fault(FaultKind.CHANGED, f"The entry {seal.entry} is not what was sealed")
    if link(former.hash, seal.number, seal.content, seal.sealed_at) != seal.hash:
        return fault(FaultKind.OUT_OF_ORDER, f"The entry {seal.entry} does not follow the one before it")
    if expected is not None and seal.number == expected.number and seal.hash != expected.hash:
        return fault(FaultKind.OTHER_HEAD, "The chain was computed anew: the head that you gave is not in it")
    return None


def _before(expected: Head, begins: Checked) -> Fault | None:
    """A head from before what aged out says nothing; one of the anchor itself must be it."""
    if expected.number > begins.head.number or expected == begins.head:
        return None
    says = "The head that you gave is older than the log: its entries aged out. Give a newer one."
    if expected.number == begins.head.number:
        says = "The log does not begin where the head that you gave ends."
    return Fault(FaultKind.OTHER_HEAD, expected.number, "", says)


def _ahead(expected: Head | None, end: Head) -> Fault | None:
    if expected is None or expected.number <= end.number:
        return None
    says = f"The chain ends at {end.number}, before the head that you gave: its end is gone."
    return Fault(FaultKind.MISSING, expected.number, "", says)


def _outside() -> Fault | None:
    """What is in the log and neither sealed nor waiting for it, or waits for it and is not there."""
    with connection.cursor() as cursor:
        cursor.execute(OUTSIDE)
        inserted = cursor.fetchone()
        cursor.execute(LOST)
        lost = cursor.fetchone()
    if inserted:
        says = f"The entry {inserted[0]} is in the log, but not in the chain: it was put in beside it."
        return Fault(FaultKind.INSERTED, 0, inserted[0], says)
    if lost:
        return Fault(FaultKind.MISSING, 0, lost[0], f"The entry {lost[0]} is gone. It waited for its seal.")
    return None


def _aged_out_meanwhile(fault: Fault) -> bool:
    return fault.kind is FaultKind.MISSING and Anchor.objects.filter(number__gte=fault.number - 1).exists()
