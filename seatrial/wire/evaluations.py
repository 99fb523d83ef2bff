"""One evaluation: the policies that match, frozen in their versions, run on one commit."""

from typing import Annotated, Any

from pydantic import Field

from seatrial.wire.deployments import Source
from seatrial.wire.envelope import Message, Part
from seatrial.wire.states import EvaluationState, Isolation, ResultState
from seatrial.wire.words import KNOWN_FIRST, EventKind

MAX_MESSAGE = 4_000  # characters of a result's message
MAX_DETAILS = 60_000  # characters of a result's details as JSON
MAX_LOG_LINES = 200


class PolicyToRun(Part):
    """One policy version, with everything its result depends on."""

    version_id: str
    slug: str
    code: str
    digest: str  # SHA-256 of the code, hex
    params: dict[str, Any] = Field(default_factory=dict)
    languages: list[str] = Field(default_factory=list)  # skipped where the commit has none; empty: all
    timeout_seconds: float = 30.0
    memory_mb: int = 128


class Member(Part):
    """Somebody who may do something in the repository; `role` in the forge's own word."""

    username: str
    role: str


class Metadata(Part):
    """The repository as the forge describes it, times as ISO 8601. None: the forge does not say."""

    name: str | None = None
    description: str | None = None
    web_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class ForgeFacts(Part):
    """What only the forge knows, in one snapshot per commit; policies never reach the forge themselves."""

    default_branch: str = ""
    members: list[Member] = Field(default_factory=list)
    topics: list[str] = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=Metadata)


class RunEvaluation(Message):
    """Run these policies on this commit. Any agent may take it; a redelivery runs it again, harmlessly.

    `base_commit` is what the commit is to be compared with: what its pull request is based on, or what the branch was
    at before the push; empty where that is not known. `number` is its pull request's, None without one.
    """

    evaluation: str
    workspace: str
    project: str
    repository: str
    source: Source
    commit: str
    ref: str = ""
    event: Annotated[EventKind | str, KNOWN_FIRST] = ""
    base_commit: str = ""
    number: int | None = None
    policies: list[PolicyToRun]
    facts: ForgeFacts = Field(default_factory=ForgeFacts)


class PolicyLog(Part):
    """One line a policy logged."""

    level: str
    message: str


class PolicyResult(Part):
    """What one policy said, length-capped and schema-checked by the agent, outside the sandbox."""

    version_id: str
    slug: str
    state: ResultState
    score: float | None = None  # 0 to 100; None unless passed or failed
    message: str = ""
    details: dict[str, Any] = Field(default_factory=dict)
    logs: list[PolicyLog] = Field(default_factory=list)
    seconds: float = 0.0
    memoised: bool = False


class EvaluationStarted(Message):
    """An agent took the evaluation."""

    evaluation: str


class EvaluationFinished(Message):
    """All results, in the order of the policies. `state` is the verdict: see `verdict`."""

    evaluation: str
    state: EvaluationState
    message: str = ""  # why, when errored as a whole (checkout failed, no sandbox)
    isolation: Isolation | None = None
    results: list[PolicyResult] = Field(default_factory=list)
    seconds: float = 0.0


def verdict(results: list[PolicyResult]) -> EvaluationState:
    """failed beats errored beats timed_out beats passed: a broken policy never hides a failing one.

    What was skipped or waived takes no part: it is neither for nor against.
    """
    states = {result.state for result in results}
    for state in (ResultState.FAILED, ResultState.ERRORED, ResultState.TIMED_OUT):
        if state in states:
            return EvaluationState(state.value)
    return EvaluationState.PASSED


def score(results: list[PolicyResult]) -> float | None:
    """Mean of the results that count (passed and failed), one decimal; None when none counts."""
    counted = [
        r.score
        for r in results
        if r.score is not None and r.state in {ResultState.PASSED, ResultState.FAILED}
    ]
    return round(sum(counted) / len(counted), 1) if counted else None
