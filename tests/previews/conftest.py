from datetime import timedelta

import pytest

from seatrial.control.previews import waits
from tests.dashboard.fixtures import axe, browser, bus, busy, harbour, served

__all__ = ["axe", "browser", "bus", "busy", "harbour", "served"]


@pytest.fixture(autouse=True)
def a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing sends these tests' messages. On a busy machine seconds pass in the middle of one, and the bus were to blame."""
    monkeypatch.setattr(waits, "UNDER_WAY", timedelta(seconds=50))
