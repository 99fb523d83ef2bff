"""States, times and bars as people see them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from seatrial.control.dashboard.states import ICONS, Tone, face, headline
from seatrial.control.dashboard.templatetags import seatrial as tags
from seatrial.control.dashboard.timeline import timeline
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState, EvaluationState, ResultState

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "states", [AgentState, DeploymentState, EnvironmentState, EvaluationState, ResultState]
)
def test_every_state_has_a_face_of_its_own(states: type) -> None:
    known = {word for words in tags.states._TONES.values() for word in words}
    for state in states:  # type: ignore[attr-defined]
        assert state in known, f"{state} has no tone"
        assert face(state).word[0].isupper()


def test_every_tone_has_an_icon_of_its_own() -> None:
    assert len(set(ICONS.values())) == len(Tone)


def test_a_running_evaluation_is_not_green() -> None:
    assert face("running", of="evaluation").tone is Tone.WAITING
    assert face("running").tone is Tone.GOOD


def test_an_environment_that_never_came_up_is_failed() -> None:
    assert headline(Environment(state="pending"), Deployment(state="failed")).word == "Failed"
    assert headline(Environment(state="running"), Deployment(state="failed")).word == "Running"
    assert headline(None, None).word == "No preview"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.041, "41 ms"), (1.23, "1.2 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert tags.duration(seconds) == words


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (1, "just now"),
        (59, "59 seconds ago"),
        (61, "1 minute ago"),
        (7300, "2 hours ago"),
        (90_000, "1 day ago"),
    ],
)
def test_times_are_relative_with_the_absolute_on_hover(
    monkeypatch: pytest.MonkeyPatch, back: int, words: str
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: START)
    html = tags.ago(START - timedelta(seconds=back))
    assert f">{words}</time>" in html
    assert "UTC" in html


def phase(name: str, after: float, seconds: float | None, *, failed: bool = False) -> DeploymentPhase:
    began = START + timedelta(seconds=after)
    return DeploymentPhase(name=name, started_at=began, seconds=seconds, failed=failed)


def test_bars_share_one_axis() -> None:
    shown = timeline(Deployment(state="live"), [phase("a", 0, 2), phase("b", 2, 8)], START)
    assert [(bar.left, bar.width) for bar in shown.bars] == [(0, 20), (20, 80)]
    assert shown.slowest is not None
    assert shown.slowest.name == "b"
    assert shown.ticks == [0, 2.5, 5, 7.5, 10]


def test_a_running_phase_grows_until_now() -> None:
    rows = [phase("a", 0, None)]
    early = timeline(Deployment(state="building"), rows, START + timedelta(seconds=3))
    late = timeline(Deployment(state="building"), rows, START + timedelta(seconds=9))
    assert (early.seconds, late.seconds) == (3, 9)
    assert early.bars[0].running


def test_a_phase_cut_off_by_the_end_is_marked_failed() -> None:
    over = Deployment(state="failed", finished_at=START + timedelta(seconds=60))
    shown = timeline(over, [phase("health", 0, None)], START + timedelta(hours=5))
    assert shown.seconds == 60
    assert shown.bars[0].failed
    assert not shown.bars[0].running


def test_what_was_given_up_because_another_failed_is_not_marked_failed() -> None:
    over = Deployment(state="failed", finished_at=START + timedelta(seconds=60))
    shown = timeline(over, [phase("build web", 0, 2, failed=True), phase("build api", 0, None)], START)
    assert [(bar.name, bar.failed) for bar in shown.bars] == [("build web", True), ("build api", False)]


def test_no_phases_no_bars() -> None:
    assert timeline(Deployment(), [], START).bars == []
