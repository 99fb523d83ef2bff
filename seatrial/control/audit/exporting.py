"""The audit log as a file: CSV for spreadsheets, or JSON Lines for programs, some hundred entries at a time.

Each piece is a query of its own, from behind the last entry on. So a download of a million entries needs the memory of one
piece and holds no transaction open, however slowly somebody reads; and as entries never change, it is as good as one moment.
"""

import csv
import io
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from seatrial.control.audit.models import AuditEntry
from seatrial.control.spreadsheets import safe
from seatrial.wire.visible import visible

PIECE = 500  # entries
COLUMNS = ("id", "at", "actor", "actor_kind", "action", "target", "workspace", "address", "details")


class ExportFormat(StrEnum):
    """How entries are written."""

    CSV = "csv"
    JSONL = "jsonl"


TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSONL: "application/x-ndjson"}


def pieces(rows: QuerySet[AuditEntry], form: ExportFormat) -> Iterator[str]:
    """`rows`, the oldest first, up to the last that is there now. Each piece is asked for when the one before was taken."""
    last = rows.order_by("-pk").values_list("pk", flat=True).first()
    if form is ExportFormat.CSV:
        yield _table([COLUMNS])
    if last is None:
        return
    after = ""
    while entries := list(rows.filter(pk__gt=after, pk__lte=last).order_by("pk")[:PIECE]):
        after = entries[-1].pk
        told = [record_of(entry) for entry in entries]
        if form is ExportFormat.CSV:
            yield _table([[_cell(one[name]) for name in COLUMNS] for one in told])
        else:
            yield "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in told)


def record_of(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON has it, by COLUMNS."""
    return {**{name: getattr(entry, name) for name in COLUMNS}, "at": entry.at.isoformat()}


def _table(rows: Any) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return safe(visible("" if value is None else str(value)))
