"""Trials: policies that are tried, on one commit or on the answers of their own tests, and that count nowhere.

A trial travels like an evaluation, in the same queue and to the same agents. No forge hears of it.
"""

from typing import Annotated, Any

from pydantic import Field

from seatrial.wire.deployments import Source
from seatrial.wire.envelope import Message, Part
from seatrial.wire.evaluations import ForgeFacts, PolicyResult, PolicyToRun
from seatrial.wire.previews import Preview
from seatrial.wire.states import Isolation
from seatrial.wire.words import KNOWN_FIRST, EventKind

FILES = "files"  # what a test's `input` may name beside methods: {path: text}, from which all methods about files answer
BYTES = "base64"  # {BYTES: text} in place of a file's text: a file that is not text

# What a policy may ask of `project`, and a test's `input` may answer.
METHODS = frozenset(
    {
        "event",
        "commit",
        "base",
        "ref",
        "number",
        "list_files",
        "fact",
        "get_class",
        "get_entry",
        "search",
        "get_changed_files",
        "get_diff",
        "get_history",
        "get_tags",
        "get_code_owners",
        "owners_of",
        "get_file_content",
        "get_files_content",
        "read_files",
        "get_yaml",
        "get_manifests",
        "get_instructions",
        "get_file_sizes",
        "get_languages",
        "get_members",
        "get_contributors",
        "get_default_branch",
        "get_branch_protection",
        "get_topics",
        "get_metadata",
        "get_file_last_commit_date",
        "preview",
        "visit",
    }
)


class PolicyTest(Part):
    """One of a policy's own tests: `input` answers its questions, and `expected` is compared with its result by whoever asks."""

    name: str
    input: dict[str, Any] = Field(default_factory=dict)
    expected: dict[str, Any] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)  # in place of the policy's own, by name


class PolicyOnTrial(Part):
    """A policy, and the tests that it is run on; without any, it is run on the trial's commit."""

    policy: PolicyToRun
    tests: list[PolicyTest] = Field(default_factory=list)


class RunTrial(Message):
    """Try these policies. Any agent may take the command; a redelivery runs it again, which is harmless.

    Without a `source` there is no commit, and policies without tests have no result. A `patient` trial is one of many, for
    which nobody waits: it lets evaluations and other trials go first.
    """

    trial: str
    workspace: str
    project: str = ""
    repository: str = ""
    source: Source | None = None
    commit: str = ""
    ref: str = ""
    event: Annotated[EventKind | str, KNOWN_FIRST] = ""
    base_commit: str = ""
    number: int | None = None
    policies: list[PolicyOnTrial]
    facts: ForgeFacts = Field(default_factory=ForgeFacts)
    preview: Preview | None = None
    patient: bool = False


class TrialResult(Part):
    """What one policy said: of the commit, or of the answers of its test of this number."""

    result: PolicyResult
    test: int | None = None


class TrialStarted(Message):
    """An agent took the trial."""

    trial: str


class TrialFinished(Message):
    """All results, in the order of the policies and their tests."""

    trial: str
    message: str = ""  # why there is no result of a commit (checkout failed), or none at all (no sandbox)
    isolation: Isolation | None = None
    results: list[TrialResult] = Field(default_factory=list)
    seconds: float = 0.0
