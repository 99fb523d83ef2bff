"""Entries are sealed in a chain of hashes; whoever changes one behind the triggers' back is found."""

import hashlib
import json
from datetime import UTC, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from seatrial.control.audit import checking
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.audit.canonical import GENESIS
from seatrial.control.audit.checking import FaultKind, check, head_of
from seatrial.control.audit.models import AuditEntry, Seal, UnsealedEntry, Verification
from seatrial.control.audit.sealing import Head, head, seal
from seatrial.control.audit.services import record
from seatrial.control.inputs import InvalidInput
from tests.audit.tampering import sealed, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_every_entry_is_sealed_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.control.audit.sealing.BATCH", 2)
    entries = sealed(5)
    assert list(Seal.objects.values_list("number", "entry")) == [
        (number, entry.pk) for number, entry in enumerate(entries, 1)
    ]
    assert not UnsealedEntry.objects.exists() and seal() == 0
    late = AuditEntry.objects.create(
        id="0" * 26, actor="system", actor_kind="system", action="a.b", target="c"
    )
    assert UnsealedEntry.objects.get().entry == late.pk, "the database noted it"
    assert seal() == 1 and Seal.objects.get(number=6).entry == late.pk, "who commits late comes late"
    assert check().fault is None and check().head == head()


def test_a_worker_that_dies_in_the_middle_has_sealed_whole_batches_and_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("seatrial.control.audit.sealing.BATCH", 2)
    for number in range(5):
        record("x.y", f"x/{number}", by=SYSTEM)
    write, batches = Seal.objects.bulk_create, []

    def dies(seals: list[Seal]) -> None:
        write(seals)
        batches.append(seals)
        if len(batches) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Seal.objects, "bulk_create", dies)
        with pytest.raises(KeyboardInterrupt):
            seal()
    assert (Seal.objects.count(), UnsealedEntry.objects.count()) == (2, 3), (
        "of the second batch there is nothing"
    )
    assert check().fault is None and check().waiting == 3
    assert seal() == 3
    assert (check().fault, check().entries, check().waiting) == (None, 5, 0)


def test_an_empty_log_holds() -> None:
    checked = check()
    assert (checked.fault, checked.entries, checked.head) == (None, 0, Head(0, GENESIS))


def test_what_waits_for_its_seal_is_counted_and_no_fault() -> None:
    sealed(1)
    record("x.y", "x/1", by=SYSTEM)
    checked = check()
    assert (checked.fault, checked.entries, checked.waiting) == (None, 1, 1)


def test_any_program_can_compute_the_chain_again() -> None:
    """As docs/operations.md says it, without any of our code."""
    by = Actor.person("zoë", id="7", address="2001:db8::1")
    entry = record("x.y", "x/1", by=by, workspace="w", details={"z": 1, "a": [0.1, "ü", None]})
    seal()
    one = Seal.objects.get()

    def hashed(document: dict[str, object]) -> str:
        return hashlib.sha256(
            json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()

    at, sealed_at = (
        moment.astimezone(UTC).isoformat(timespec="microseconds") for moment in (entry.at, one.sealed_at)
    )
    columns = {
        "id": entry.pk, "at": at, "actor": "zoë", "actor_kind": "person", "actor_key": "7", "action": "x.y", "target": "x/1",
        "workspace": "w", "address": "2001:db8::1", "details": {"a": [0.1, "ü", None], "z": 1},
    }  # fmt: skip
    assert one.content == hashed(columns)
    assert one.hash == hashed(
        {"former": "0" * 64, "number": 1, "content": one.content, "sealed_at": sealed_at}
    )


CHANGES = {
    "actor": "UPDATE audit_log SET actor = 'bob' WHERE id = '{1}'",
    "details": "UPDATE audit_log SET details = '{{}}' WHERE id = '{1}'",
    "time": "UPDATE audit_log SET at = at - interval '1 microsecond' WHERE id = '{1}'",
    "address": "UPDATE audit_log SET address = '10.0.0.1' WHERE id = '{1}'",
    "workspace": "UPDATE audit_log SET workspace = 'other' WHERE id = '{1}'",
}


@pytest.mark.parametrize("column", CHANGES)
def test_an_entry_that_was_changed_is_named(column: str) -> None:
    entries = sealed(3)
    tamper(CHANGES[column].format(*(entry.pk for entry in entries)))
    fault = check().fault
    assert fault and (fault.kind, fault.number, fault.entry) == (FaultKind.CHANGED, 2, entries[1].pk)
    assert entries[1].pk in fault.says


@pytest.mark.parametrize(
    ("statements", "kind", "number"),
    [
        (["DELETE FROM audit_log WHERE id = '{1}'"], FaultKind.MISSING, 2),
        (
            ["DELETE FROM audit_log WHERE id = '{1}'", "DELETE FROM audit_chain WHERE entry = '{1}'"],
            FaultKind.MISSING,
            3,
        ),
        (["DELETE FROM audit_chain WHERE number = 3"], FaultKind.INSERTED, 0),
        (
            [
                "INSERT INTO audit_log (id, at, actor, actor_kind, actor_key, action, target, workspace, details)"
                " VALUES ('01', now(), 'bob', 'person', '', 'a.b', 'c', '', '{{}}')"
            ],
            FaultKind.INSERTED,
            0,
        ),
        (["UPDATE audit_chain SET sealed_at = sealed_at - interval '1 day' WHERE number = 2"], FaultKind.OUT_OF_ORDER, 2),
        (
            [
                "UPDATE audit_chain SET number = -number, entry = entry WHERE number > 1",
                "UPDATE audit_chain SET number = 5 + number WHERE number < 0",
            ],
            FaultKind.OUT_OF_ORDER,
            2,
        ),
    ],
    ids=["entry gone", "entry and seal gone", "seal gone", "put in", "sealed at another time", "swapped"],
)  # fmt: skip
def test_what_is_missing_put_in_or_moved_is_named(
    statements: list[str], kind: FaultKind, number: int
) -> None:
    entries = sealed(3)
    tamper(*(statement.format(*(entry.pk for entry in entries)) for statement in statements))
    fault = check().fault
    assert fault and (fault.kind, fault.number) == (kind, number)


def test_what_went_while_it_waited_is_named_and_holds_up_nothing() -> None:
    gone = record("x.y", "x/1", by=SYSTEM)
    tamper(f"DELETE FROM audit_log WHERE id = '{gone.pk}'")
    sealed(1)
    fault = check().fault
    assert Seal.objects.count() == 1
    assert fault and (fault.kind, fault.entry) == (FaultKind.MISSING, gone.pk)


def test_a_chain_that_was_computed_anew_has_another_head_than_the_one_kept() -> None:
    entries = sealed(3)
    kept = head_of(str(head()))
    assert kept and check(kept).fault is None
    sealed(1)
    assert check(kept).fault is None, "it went on since"
    tamper(
        f"UPDATE audit_log SET actor = 'bob' WHERE id = '{entries[0].pk}'",
        "DELETE FROM audit_chain",
        "INSERT INTO audit_unsealed SELECT id FROM audit_log",
    )
    seal()
    assert check().fault is None, "nothing in the database tells it"
    fault = check(kept).fault
    assert fault and (fault.kind, fault.number) == (FaultKind.OTHER_HEAD, 3)


def test_a_chain_whose_end_is_gone_is_shorter_than_the_head_kept() -> None:
    entries = sealed(3)
    kept = head()
    tamper(f"DELETE FROM audit_log WHERE id = '{entries[2].pk}'", "DELETE FROM audit_chain WHERE number = 3")
    assert check().fault is None
    fault = check(kept).fault
    assert fault and fault.kind is FaultKind.MISSING


@pytest.mark.parametrize("text", ["3", "3:abc", f"x:{'0' * 64}", f"3:{'0' * 64}0", f"{'9' * 19}:{'0' * 64}"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="NUMBER:HASH"):
        head_of(text)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_chain SET hash = ''",
        "DELETE FROM audit_chain",
        "TRUNCATE audit_chain",
        "TRUNCATE audit_anchors",
        "INSERT INTO audit_anchors VALUES (1, 'wrong', 1, now())",
        "INSERT INTO audit_anchors VALUES (2, (SELECT hash FROM audit_chain WHERE number = 1), 1, now())",
    ],
)
def test_the_database_refuses_to_change_the_chain(statement: str) -> None:
    sealed(1)
    with pytest.raises(DatabaseError, match="audit_"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert check().fault is None


def test_what_was_found_is_kept_for_the_page() -> None:
    entry, *_ = sealed(2)
    check()
    assert Verification.objects.get().fault == "" and Verification.objects.get().number == 2
    tamper(f"UPDATE audit_log SET target = 'x' WHERE id = '{entry.pk}'")
    check()
    kept = Verification.objects.get()
    assert (kept.fault, kept.number) == (FaultKind.CHANGED, 0) and entry.pk in kept.says
    assert timedelta() <= kept.at - entry.at


def test_a_long_log_is_read_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed(5)
    monkeypatch.setattr(checking, "BATCH", 2)
    assert [one.entries for one in checking.steps()][-1] == 5
    assert len(list(checking.steps())) == 1 + 3 + 1
