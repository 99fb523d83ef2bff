"""Expired guest links and gates of nobody go; what counts stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.entrance import guests, rules
from seatrial.control.entrance.models import GuestLink
from seatrial.control.entrance.retention import prune
from seatrial.control.projects.models import Gate
from tests.entrance.visits import ALICE, members


@pytest.mark.django_db
def test_old_ones_that_nobody_has_are_deleted() -> None:
    scenario = members()
    of_live = Gate.objects.get()
    for mode in ("public", "members"):
        rules.decide(scenario.project, mode=mode, by=ALICE)
    newest = Gate.objects.latest("id")
    guests.invite(scenario.environment, hours=1, by=ALICE)
    assert prune(timezone.now()) == 0
    Gate.objects.update(created_at=timezone.now() - timedelta(days=365))
    GuestLink.objects.update(expires_at=timezone.now() - timedelta(days=8))
    assert prune(timezone.now()) == 2
    assert set(Gate.objects.all()) == {of_live, newest} and not GuestLink.objects.exists()
