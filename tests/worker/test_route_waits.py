"""When a candidate has waited long enough for Traefik, and what is said about it then."""

import pytest

from seatrial.control.previews.routes import Candidate
from seatrial.control.worker.route_waits import (
    ANSWERED_SECONDS,
    AWAY_SECONDS,
    MAX_POLL_SECONDS,
    MAX_STEP_SECONDS,
    Wait,
    Waits,
)
from seatrial.control.worker.traefik import Finding

NOT_YET = Finding(False, "Traefik does not show service web")
AWAY = Finding(False, "Traefik's API at http://x does not answer (ConnectError)", answered=False)


def candidate(deployment: str = "D", endpoint: str = "http://10.0.0.1:80") -> Candidate:
    return Candidate("E", deployment, {"web": endpoint}, {"web": "web"})


def looked(finding: Finding, seconds: float, step: float = 1.0) -> Wait:
    wait = Wait(candidate())
    for number in range(int(seconds / step) + 1):
        wait.note(finding, 1_000.0 + number * step)
    return wait


def test_traefik_that_answers_has_a_minute() -> None:
    assert not looked(NOT_YET, ANSWERED_SECONDS - 1).is_over
    over = looked(NOT_YET, ANSWERED_SECONDS)
    assert over.is_over
    assert "60 s: Traefik does not show service web." in over.message() and "rebuild" in over.message()


def test_traefik_that_is_away_has_longer_and_is_named() -> None:
    assert not looked(AWAY, AWAY_SECONDS - 1).is_over
    over = looked(AWAY, AWAY_SECONDS)
    assert over.is_over
    assert "does not answer" in over.message() and "Start Traefik" in over.message()


def test_time_away_does_not_count_as_answered() -> None:
    wait = looked(AWAY, AWAY_SECONDS - 1)
    wait.note(NOT_YET, 1_000.0 + AWAY_SECONDS)
    assert not wait.is_over


def test_a_machine_that_slept_did_not_wait() -> None:
    wait = looked(NOT_YET, 1)
    wait.note(NOT_YET, 90_000.0)
    assert wait.seconds <= 1 + MAX_STEP_SECONDS and not wait.is_over


def test_the_reason_of_a_wait_is_shown_once_and_after_a_while() -> None:
    assert not looked(NOT_YET, 1).is_unexplained
    wait = looked(NOT_YET, 10)
    assert wait.is_unexplained
    wait.explained = wait.why
    assert not wait.is_unexplained
    wait.note(AWAY, 1_011.0)
    assert wait.is_unexplained


def test_moved_endpoints_do_not_restart_the_wait_and_candidates_that_left_are_forgotten() -> None:
    waits = Waits()
    waits.keep([candidate("one"), candidate("two")])
    for wait in waits.all():
        wait.note(NOT_YET, 0.0)
        wait.note(NOT_YET, 3.0)
    waits.keep([candidate("one", "http://10.0.0.2:80")])
    (wait,) = waits.all()
    assert wait.seconds == 3.0 and wait.candidate.servers == {"web": "http://10.0.0.2:80"}


def test_looks_become_rarer_until_somebody_new_waits() -> None:
    waits = Waits()
    assert waits.poll_seconds() is None
    waits.keep([candidate("one")])
    often = waits.poll_seconds()
    waits.all()[0].answered_seconds = 50
    rarely = waits.poll_seconds()
    waits.keep([candidate("one"), candidate("two")])
    assert often is not None and rarely is not None and rarely > 10 * often
    assert waits.poll_seconds() == often


def test_looks_that_take_long_are_rarer_so_that_a_larger_platform_is_not_looked_at_all_the_time() -> None:
    waits = Waits()
    assert waits.poll_seconds(0.1) is None
    waits.keep([candidate("one")])
    assert waits.poll_seconds(0.001) == waits.poll_seconds()
    assert waits.poll_seconds(0.1) == pytest.approx(0.3)
    assert waits.poll_seconds(10) == MAX_POLL_SECONDS
