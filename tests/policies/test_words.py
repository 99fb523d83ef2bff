"""How an evaluation looks."""

from seatrial.control.dashboard.states import Tone
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.templatetags.verdicts import evaluation_face


def test_a_running_evaluation_is_not_green() -> None:
    assert evaluation_face(Evaluation(state="running")).tone is Tone.WAITING
    assert evaluation_face(Evaluation(state="passed")).tone is Tone.GOOD
