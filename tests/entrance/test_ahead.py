"""Who gets in is answered ahead of Django's handler, and everybody else by it, about one and the same decision."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from seatrial.control.entrance import ahead, attempts, bypass
from seatrial.control.previews.models import Environment
from tests.entrance.visits import ALICE, basic, login, members, told

pytestmark = pytest.mark.postgres


def asked(served: str, environment: Environment, **headers: str) -> httpx.Response:
    return httpx.get(f"{served}/preview-gate", headers=told(environment, **headers), trust_env=False)


def test_who_gets_in_is_answered_without_django(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = members()
    token = bypass.rotate(scenario.project, by=ALICE)
    ordinary = asked(served, scenario.environment)
    assert ordinary.status_code == 401 and "Sign in first" in ordinary.text
    monkeypatch.setattr("seatrial.control.entrance.gatekeeper.decision", None)  # the view would fail
    entry = asked(served, scenario.environment, X_Galley_Bypass=token, Cookie="mast=tall; galley-pass=x")
    assert (entry.status_code, entry.content) == (200, b"")
    assert entry.headers["Cookie"] == "mast=tall"
    assert "Authorization" not in entry.headers and "X-Galley-Bypass" not in entry.headers
    assert entry.headers["X-Frame-Options"] == ordinary.headers["X-Frame-Options"]


def test_a_wrong_password_counts_once(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_WRONG", 3)
    environment = basic().environment
    statuses = [asked(served, environment, Authorization=login(f"guess {n}")).status_code for n in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_what_fails_ahead_is_decided_by_the_ordinary_way(
    served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: Any) -> None:
        raise ConnectionError

    scenario = members()
    token = bypass.rotate(scenario.project, by=ALICE)
    monkeypatch.setattr(ahead, "decision", lost)
    assert asked(served, scenario.environment, X_Galley_Bypass=token).status_code == 200
    assert asked(served, scenario.environment).status_code == 401


def test_slow_decisions_hold_up_nobody_else(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held, slow = threading.Event(), threading.Semaphore(0)

    def decide(_: Any) -> None:
        slow.release()
        held.wait(60)

    scenario = members()
    token = bypass.rotate(scenario.project, by=ALICE)
    monkeypatch.setattr(ahead, "decision", decide)
    with ThreadPoolExecutor(ahead.THREADS) as visitors:
        try:
            knocks = [
                visitors.submit(asked, served, scenario.environment, X_Galley_Bypass=token)
                for _ in range(ahead.THREADS)
            ]
            assert all(slow.acquire(timeout=60) for _ in knocks)
            assert asked(served, scenario.environment, X_Galley_Bypass=token).status_code == 200
            assert not any(one.done() for one in knocks)
        finally:
            held.set()
        assert [one.result().status_code for one in knocks] == [200] * ahead.THREADS
    assert asked(served, scenario.environment, X_Galley_Bypass=token).status_code == 200
    assert slow.acquire(timeout=60), "there is a thread for it again"


def test_another_server_is_not_asked(served: str) -> None:
    headers = {"Host": "elsewhere.example", "X-Forwarded-Host": "shop.preview.localhost"}
    assert httpx.get(f"{served}/preview-gate", headers=headers, trust_env=False).status_code == 400
