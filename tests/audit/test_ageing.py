"""The oldest entries go where the operator says so, and leave an anchor at which the chain goes on."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from seatrial.control import keeping
from seatrial.control.audit import retention
from seatrial.control.audit.checking import FaultKind, check
from seatrial.control.audit.models import Anchor, AuditEntry, Seal
from seatrial.control.audit.sealing import head, seal
from tests.audit.tampering import sealed, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NOW = timezone.now()


@pytest.fixture
def month(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_audit_keep_days", 30)


def aged(old: int, young: int) -> list[AuditEntry]:
    """Entries, of which the first `old` are of forty days ago."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: NOW - timedelta(days=40))
        before = sealed(old)
    return before + sealed(young)


def test_nothing_goes_unless_an_age_is_set() -> None:
    aged(2, 1)
    assert retention.prune(NOW) == 0
    assert AuditEntry.objects.count() == 3 and not Anchor.objects.exists()


def test_the_oldest_go_and_the_chain_still_holds(month: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BATCH", 2)
    *_, young = aged(5, 1)
    before = head()
    assert retention.prune(NOW) == 5
    left = AuditEntry.objects.order_by("pk")
    assert [one.action for one in left] == ["project.change", "audit_log.age_out"]
    assert left[0].pk == young.pk and left[1].details["entries"] == 5
    anchor = Anchor.objects.get()
    assert (anchor.number, anchor.entries, left[1].details["hash"]) == (5, 5, anchor.hash)
    seal()
    checked = check(before)
    assert checked.fault is None and (checked.entries, checked.removed) == (2, 5)
    assert retention.prune(NOW) == 0 and Anchor.objects.count() == 1
    fault = check(type(before)(1, before.hash)).fault
    assert fault and fault.kind is FaultKind.OTHER_HEAD, "a head from before says nothing"


def test_a_log_that_went_whole_goes_on_at_its_anchor(month: None) -> None:
    aged(2, 0)
    assert retention.prune(NOW) == 2
    anchor = Anchor.objects.get()
    assert not Seal.objects.exists() and head().hash == anchor.hash
    seal()
    assert Seal.objects.get().number == 3
    assert check().fault is None


def test_an_old_entry_that_was_sealed_after_a_young_one_stays(month: None) -> None:
    aged(1, 1)
    aged(1, 0)
    assert retention.prune(NOW) == 1


def test_who_is_killed_between_anchor_and_deleting_goes_on(month: None) -> None:
    aged(2, 1)
    retention._anchor(NOW - timedelta(days=30), NOW)
    seal()
    assert check().fault is None, "what is covered and still there is no fault"
    assert retention.prune(NOW) == 2
    assert check().fault is None


def test_what_no_anchor_covers_cannot_go(month: None) -> None:
    *_, young = aged(2, 1)
    retention.prune(NOW)
    for statement in (
        f"DELETE FROM audit_log WHERE id = '{young.pk}'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_chain",
        "DELETE FROM audit_anchors",
        "UPDATE audit_anchors SET number = 3",
    ):
        refused = pytest.raises(DatabaseError, match="append-only")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_an_anchor_that_was_made_up_is_found(month: None) -> None:
    aged(2, 1)
    retention.prune(NOW)
    tamper(f"UPDATE audit_anchors SET hash = '{'1' * 64}'")
    fault = check().fault
    assert fault and (fault.kind, fault.number) == (FaultKind.OUT_OF_ORDER, 3)
