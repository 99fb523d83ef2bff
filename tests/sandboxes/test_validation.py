"""Whatever a sandbox sends, the result has a form and a size that a database and a page can hold."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.validation import MAX_TOGETHER, fitting, judge
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import MAX_LOG_LINES, MAX_MESSAGE, EvaluationFinished, PolicyResult
from seatrial.wire.states import EvaluationState, ResultState
from tests.sandboxes.conftest import policy

ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,  # making large ones would take most of the time; how much is kept is tried below
)
RESULT = st.fixed_dictionaries(
    {}, optional={"passed": ANYTHING, "score": ANYTHING, "message": ANYTHING, "details": ANYTHING}
)


@given(
    said=ANYTHING
    | st.fixed_dictionaries({"returned": ANYTHING | RESULT})
    | st.fixed_dictionaries({"raised": ANYTHING})
)
def test_judging_never_fails(said: Any) -> None:
    result = judge(
        policy("x"), Outcome(how=Ending.FINISHED, said=said, logs=[("odd", "\0\ud800")], output="a\nb")
    )
    text = Envelope.wrap(
        EvaluationFinished(evaluation="e", state=EvaluationState.PASSED, results=[result])
    ).encode()
    assert b"\\u0000" not in text and b"NaN" not in text
    assert (result.score is not None) == (result.state in {ResultState.PASSED, ResultState.FAILED})
    json.dumps(result.details, allow_nan=False)


def test_logs_are_cut_saying_so() -> None:
    result = judge(policy("x"), Outcome(how=Ending.FINISHED, logs=[("info", "x")] * 500))
    assert len(result.logs) == MAX_LOG_LINES and result.logs[-1].message == "301 more lines are left out"


def test_results_that_are_too_long_together_still_travel() -> None:
    bulky = PolicyResult(
        version_id="v", slug="s", state=ResultState.PASSED, score=1, message="m" * MAX_MESSAGE,
        details={"d": "ä" * 59_000}, logs=[{"level": "info", "message": "x" * 2000}] * 10,
    )  # fmt: skip
    results = fitting([bulky] * 40)
    finished = EvaluationFinished(evaluation="e", state=EvaluationState.PASSED, results=results)
    assert len(Envelope.wrap(finished).encode()) < MAX_TOGETHER * 1.2
    assert len(results) == 40 and all(result.message for result in results)
    assert fitting([bulky]) == [bulky]
