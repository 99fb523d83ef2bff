"""States and times as people see them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from seatrial.control.dashboard.states import ICONS, Tone, face
from seatrial.control.dashboard.templatetags import seatrial as tags
from seatrial.control.forges.models import DeliveryResult
from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState, EvaluationState, ResultState

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "states", [AgentState, DeliveryResult, DeploymentState, EnvironmentState, EvaluationState, ResultState]
)
def test_every_state_has_a_face_of_its_own(states: type) -> None:
    known = {word for words in tags.states._TONES.values() for word in words}
    for state in states:  # type: ignore[attr-defined]
        assert state in known, f"{state} has no tone"
        assert face(state).word[0].isupper()


def test_every_tone_has_an_icon_of_its_own() -> None:
    assert len(set(ICONS.values())) == len(Tone)


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


@pytest.mark.parametrize(
    ("back", "words"), [(1, "for a moment"), (59, "for 59 seconds"), (130, "for 2 minutes"), (90_000, "for 1 day")]
)  # fmt: skip
def test_what_lasts_says_for_how_long(monkeypatch: pytest.MonkeyPatch, back: int, words: str) -> None:
    monkeypatch.setattr(timezone, "now", lambda: START)
    html = tags.lasting(START - timedelta(seconds=back))
    assert f">{words}</time>" in html
    assert "data-lasting" in html and "UTC" in html
