"""Files of the audit log: any number of entries in the memory of a few, and nothing that a spreadsheet runs."""

import csv
import io
import json
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.exporting import COLUMNS, PIECE, ExportFormat, pieces
from seatrial.control.audit.models import AuditEntry
from seatrial.control.audit.services import record

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def many(number: int) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(actor="ada", actor_kind="person", action="x.y", target=f"x/{n}", details={"n": n})
        for n in range(number)
    )


def test_memory_and_time_per_entry_do_not_grow() -> None:
    many(4 * PIECE + 1)
    rows = AuditEntry.objects.all()
    peaks = []
    for some in (rows.filter(details__n__lt=PIECE), rows):
        list(pieces(some.none(), ExportFormat.JSONL))
        tracemalloc.start()
        with CaptureQueriesContext(connection) as captured:
            lines = sum(piece.count("\n") for piece in pieces(some, ExportFormat.JSONL))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert lines == 4 * PIECE + 1
    assert len(captured) == 1 + 5 + 1, "a query for each piece"
    assert peaks[1] < 2 * peaks[0], "four times as many entries"


def test_what_comes_meanwhile_does_not_make_it_endless() -> None:
    many(PIECE + 1)
    of = pieces(AuditEntry.objects.all(), ExportFormat.JSONL)
    first = next(of)
    many(PIECE)
    # Not to the entry: those of one millisecond are in no order
    assert PIECE + 1 <= (first + "".join(of)).count("\n") < 2 * PIECE + 1


def test_each_line_is_an_entry() -> None:
    by = Actor.person("zoë", address="::1")
    entry = record("x.y", "x/1", by=by, workspace="w", details={"text": 'ü\n"'})
    (line,) = pieces(AuditEntry.objects.all(), ExportFormat.JSONL)
    assert json.loads(line) == {
        "id": entry.pk, "at": entry.at.isoformat(), "actor": "zoë", "actor_kind": "person", "action": "x.y", "target": "x/1",
        "workspace": "w", "address": "::1", "details": {"text": 'ü\n"'},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1"])
def test_a_spreadsheet_runs_nothing(name: str) -> None:
    record("x.y", name, by=Actor.person(name), details={"name": name})
    text = "".join(pieces(AuditEntry.objects.all(), ExportFormat.CSV))
    heading, row = csv.reader(io.StringIO(text))
    assert tuple(heading) == COLUMNS
    cells = dict(zip(heading, row, strict=True))
    for cell in (cells["actor"], cells["target"]):
        assert cell.startswith(("'", "\\"))
    assert json.loads(cells["details"]) == {"name": name}


def test_an_empty_log_is_a_file_too() -> None:
    assert "".join(pieces(AuditEntry.objects.all(), ExportFormat.JSONL)) == ""
    assert "".join(pieces(AuditEntry.objects.all(), ExportFormat.CSV)).strip() == ",".join(COLUMNS)
