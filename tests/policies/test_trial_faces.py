"""What a trial looks like: as what the policy said, not as that the trial has ended."""

import pytest

from seatrial.control.dashboard.states import Tone
from seatrial.control.policies.templatetags.trials import outcome_face
from seatrial.control.policies.trials.models import Trial
from seatrial.wire.states import ResultState, TrialState


@pytest.mark.parametrize(
    ("said", "state", "tone"),
    [
        (ResultState.FAILED, TrialState.FINISHED, Tone.BAD),
        (ResultState.PASSED, TrialState.FINISHED, Tone.GOOD),
        ("", TrialState.RUNNING, Tone.WAITING),
    ],
)
def test_a_trial_on_a_commit_has_the_colour_of_what_was_said(said: str, state: str, tone: Tone) -> None:
    assert outcome_face(Trial(said=said, state=state, commit="a" * 40), state).tone is tone
