"""The database of a run is made once: whoever comes first makes it, and the others wait for that."""

import os
import threading
from pathlib import Path

import psutil
import pytest

from tests import database
from tests.database import ThrowawayPostgres


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    return tmp_path / "seed"


def first(seed: Path) -> ThrowawayPostgres:
    one = ThrowawayPostgres(seed.with_name("one"), seed)
    assert one._comes_first()
    return one


def test_the_second_waits_until_the_first_has_made_it(seed: Path) -> None:
    first(seed)
    two = ThrowawayPostgres(seed.with_name("two"), seed)
    assert not two._comes_first()
    later = threading.Timer(0.3, seed.mkdir)
    later.start()
    assert two._has_been_sown()
    later.join()


def test_nobody_waits_for_one_that_has_ended(seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SOWING_SECONDS", 10**6)
    monkeypatch.setattr(psutil, "pid_exists", lambda pid: pid != os.getpid())
    first(seed)
    assert not ThrowawayPostgres(seed.with_name("two"), seed)._has_been_sown()


def test_one_that_takes_too_long_is_waited_for_no_longer(seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SOWING_SECONDS", 0)
    first(seed)
    assert not ThrowawayPostgres(seed.with_name("two"), seed)._has_been_sown()


def test_without_a_run_around_it_a_session_has_its_own(tmp_path: Path) -> None:
    assert not ThrowawayPostgres(tmp_path / "one")._comes_first()
