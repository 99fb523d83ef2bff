"""One evaluation: the policies that match, frozen in their versions, run on one commit."""

from typing import Annotated, Any

from pydantic import Field

from seatrial.wire.deployments import Source
from seatrial.wire.envelope import Message, Part
from seatrial.wire.previews import Preview
from seatrial.wire.states import EvaluationState, Isolation, ResultState, Severity
from seatrial.wire.words import KNOWN_FIRST, EventKind, LogLevel

MAX_MESSAGE = 4_000  # characters of a result's message
MAX_DETAILS = 60_000  # characters of a result's details as JSON
MAX_LOG_LINES = 200
MAX_FINDINGS = 1_000  # of one result


class PolicyToRun(Part):
    """One policy version, with everything its result depends on."""

    version_id: str
    slug: str
    code: str
    digest: str  # SHA-256 of the code, hex
    params: dict[str, Any] = Field(default_factory=dict)
    languages: list[str] = Field(
        default_factory=list
    )  # skipped if the commit has none of them; empty: never skipped
    timeout_seconds: float = 30.0
    memory_mb: int = 128
    network: bool = False  # its author asks for the network, and its workspace permits it
    live: bool = False  # it looks at the preview of the commit, and may visit it


class Member(Part):
    """A person with access to the repository; `role` is the forge's own word."""

    username: str
    role: str


class Metadata(Part):
    """The repository as the forge describes it, times as ISO 8601. None: the forge does not say."""

    name: str | None = None
    description: str | None = None
    web_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class BranchProtection(Part):
    """What keeps people from changing a branch. None: unknown, and `unknown` says why.

    `force_pushes` and `deletions`: whether those who may push may do that. `admins_enforced`: whether admins must keep to it as well.
    """

    branch: str
    protected: bool | None = None
    required_reviews: int | None = None
    required_checks: list[str] | None = None
    force_pushes: bool | None = None
    deletions: bool | None = None
    admins_enforced: bool | None = None
    code_owners: bool | None = None  # whether one of them must approve
    unknown: str = ""

    @classmethod
    def none(cls, branch: str) -> "BranchProtection":
        """Of a branch that nothing protects."""
        return cls(
            branch=branch,
            protected=False,
            required_reviews=0,
            required_checks=[],
            force_pushes=True,
            deletions=True,
            admins_enforced=False,
            code_owners=False,
        )


class ForgeFacts(Part):
    """The facts that only the forge knows, one snapshot per commit. Policies never reach the forge themselves."""

    default_branch: str = ""
    members: list[Member] = Field(default_factory=list)
    topics: list[str] = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=Metadata)
    code_owners_by_expression: bool = (
        False  # CODEOWNERS names paths by regular expressions there, as at Gitea
    )
    protection: BranchProtection | None = None  # of the default branch; None: nobody has asked the forge yet


class RunEvaluation(Message):
    """Run these policies on this commit. Any agent may take the command; a redelivery runs it again, which is harmless.

    `base_commit` is the commit to compare with: the base of the pull request, or the branch's commit before the push;
    empty if unknown. `number` is the number of the pull request, None without one. `fresh`: no remembered result counts, because time
    has passed since. `preview` is that of the commit, for
    policies that are `live`.
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
    preview: Preview | None = None
    fresh: bool = False


class PolicyLog(Part):
    """One line that a policy logged or printed."""

    level: Annotated[LogLevel | str, KNOWN_FIRST]
    message: str


class Excerpt(Part):
    """Lines of a file of the commit, as far as there is room; `first` is the number of the first of them."""

    first: int
    lines: list[str]


class Finding(Part):
    """One thing that a policy found.

    `line` counts from 1, as git does: only `\\n` ends a line. `fingerprint` is the same for the same finding at every commit; one
    that a policy does not give is made by the agent. `fix` is a unified diff of `path` against the commit; empty: none is known.
    `excerpt` holds the lines around `line`, for people: None without a line, where the policy says that they must not be quoted
    (`quote`: such a line holds a secret), and beyond the first findings of a result.
    """

    path: str = ""  # empty: it is about no file
    line: int | None = None
    message: str = ""
    severity: Severity = Severity.MEDIUM
    fingerprint: str = ""
    fix: str = ""
    quote: bool = True
    excerpt: Excerpt | None = None


class Digests(Part):
    """What a result depends on, each as a SHA-256 in hex; empty where an older agent did not say.

    `answers` is over every question that the policy asked, in order, with the digest of its answer: see `digests.digest_of`.
    """

    code: str = ""  # of the policy that ran, as the agent read it
    params: str = ""
    answers: str = ""


class ToolRun(Part):
    """A tool that a policy had a fact of, and how much of the commit it read."""

    tool: str
    version: str
    files: int = 0
    left_out: int = 0  # files that concern it and that it did not read
    findings: int = 0
    seconds: float = 0.0  # that it took, for all policies together


class PolicyResult(Part):
    """The result of one policy. The agent limits its length and checks its schema, outside the sandbox."""

    version_id: str
    slug: str
    state: ResultState
    score: float | None = None  # 0 to 100; None unless passed or failed
    message: str = ""
    details: dict[str, Any] = Field(default_factory=dict)
    findings: list[Finding] = Field(default_factory=list)  # at most MAX_FINDINGS
    findings_left_out: int = 0  # how many more there were
    logs: list[PolicyLog] = Field(default_factory=list)
    seconds: float = 0.0
    memoised: bool = False
    network: str = ""  # the network that it ran with, by its name; empty: none
    tools: list[ToolRun] = Field(default_factory=list)
    digests: Digests = Field(default_factory=Digests)


class EvaluationStarted(Message):
    """An agent took the evaluation."""

    evaluation: str


class EvaluationFinished(Message):
    """All results, in the order of the policies. `state` is the verdict: see `verdict`."""

    evaluation: str
    state: EvaluationState
    message: str = ""  # the reason if the whole evaluation errored (checkout failed, no sandbox)
    isolation: Isolation | None = None
    results: list[PolicyResult] = Field(default_factory=list)
    seconds: float = 0.0
    # SHA-256 in hex, of the forge's facts and of the sandbox's program; empty where an older agent did not say
    facts: str = ""
    program: str = ""
    python: str = ""  # the version that the policies ran with


def verdict(results: list[PolicyResult]) -> EvaluationState:
    """The verdict of these results: failed beats errored beats timed_out beats passed. A broken policy never hides a failing one.

    Skipped and waived results do not count.
    """
    states = {result.state for result in results}
    for state in (ResultState.FAILED, ResultState.ERRORED, ResultState.TIMED_OUT):
        if state in states:
            return EvaluationState(state.value)
    return EvaluationState.PASSED


def score(results: list[PolicyResult]) -> float | None:
    """The mean score of the results that count (passed and failed), with one decimal; None if none counts."""
    counted = [
        r.score
        for r in results
        if r.score is not None and r.state in {ResultState.PASSED, ResultState.FAILED}
    ]
    return round(sum(counted) / len(counted), 1) if counted else None
