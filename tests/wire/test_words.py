"""Each word that travels has one meaning, one enumeration and one row in the documentation."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from seatrial.control.audit.actors import ActorKind
from seatrial.control.audit.checking import FaultKind
from seatrial.control.certificates.states import CertificateState
from seatrial.control.dashboard.states import TONE_OF
from seatrial.control.keys.overview import KeyKind
from seatrial.control.policies.authoring.shelf import Standing
from seatrial.control.policies.scores.models import Basis
from seatrial.control.policies.source.models import Kept
from seatrial.control.policies.source.reviewing import CHANGED, GONE, NEW, RELEASED
from seatrial.control.previews.evidence.models import ComparedWith, ScreenshotState
from seatrial.control.previews.kept_lines import LogEnd
from seatrial.control.previews.pages.reasons import EXPLANATIONS
from seatrial.control.previews.withheld import Withheld
from seatrial.control.projects.events import Gone
from seatrial.control.projects.models import PullRequestState
from seatrial.control.status.check import About
from seatrial.wire.deployments import DeploymentFailed, ObservedService
from seatrial.wire.evaluations import PolicyResult, score, verdict
from seatrial.wire.logs import LogLine
from seatrial.wire.states import (
    AgentState,
    DeploymentState,
    EnvironmentState,
    EvaluationState,
    Isolation,
    Level,
    ResultState,
    ServiceKind,
    SnapshotState,
    TestsState,
    Tier,
    TrialState,
    WaiverState,
)
from seatrial.wire.words import (
    DrainStep,
    EventKind,
    LogLevel,
    LogSource,
    LogStream,
    Phase,
    Reason,
    RuntimeKind,
    ServiceState,
    StopCause,
)
from tests.sources import nodes

ROOT = Path(__file__).resolve().parents[2]
STATES = [
    AgentState,
    DeploymentState,
    EnvironmentState,
    EvaluationState,
    Level,
    ResultState,
    ServiceState,
    TestsState,
    TrialState,
    WaiverState,
]
WORDS_OF_LOGS = [LogLevel, LogSource, LogStream]
IN_THE_GLOSSARY: dict[str, type[StrEnum]] = {
    "actor": ActorKind,
    "agent": AgentState,
    "certificate": CertificateState,
    "deployment": DeploymentState,
    "environment": EnvironmentState,
    "evaluation": EvaluationState,
    "event": EventKind,
    "gone": Gone,
    "kind": ServiceKind,
    "level": Level,
    "log level": LogLevel,
    "phase": Phase,
    "result": ResultState,
    "runtime": RuntimeKind,
    "service": ServiceState,
    "snapshot": SnapshotState,
    "source": LogSource,
    "stop": StopCause,
    "stream": LogStream,
    "test": TestsState,
    "trial": TrialState,
    "waiver": WaiverState,
    "withheld": Withheld,
}
IN_JSON = [
    LogEnd,
    FaultKind,
    Standing,
    CertificateState,
    AgentState,
    EnvironmentState,
    DeploymentState,
    StopCause,
    Tier,
    EventKind,
    EvaluationState,
    ResultState,
    TrialState,
    Kept.values,
    [state for state in EvaluationState if state != EvaluationState.TIMED_OUT],  # of reviews
    (NEW, CHANGED, GONE, RELEASED),
    KeyKind,
    About,
    DrainStep,
    SnapshotState,
    ScreenshotState.values,
    [word for word in ComparedWith.values if word],
    (ResultState.PASSED, ResultState.FAILED, ResultState.WAIVED),
    ("workspace", "stack", "project"),
    Basis.values,
    WaiverState,
]
LISTED = re.compile(r"(?<!\*)\*([a-z_]+(?:, [a-z_]+)+)\*(?!\*)")
CODE = re.compile(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", re.MULTILINE)
IN_TEMPLATE = re.compile(r"""(\w+\.state|isolation|sandbox) (?:==|!=) ['"](\w+)['"]""")
# Not checked: policies of packs are plain Python, migrations keep old words.
OTHERS = re.compile(r"/policies/packs/[a-z-]\w*/|/migrations/")
# The names whose comparison with a bare word is a mistake, as in `deployment.state == "live"` or `filter(state="live")`.
ABOUT = {"state", "reason", "phase", "source", "stream", "stop_cause", "isolation", "runtime", "level"}
WORDS = {
    *(
        word
        for kind in (*STATES, Isolation, Reason, Phase, *WORDS_OF_LOGS, RuntimeKind, StopCause)
        for word in kind
    ),
    *PullRequestState.values,
}


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def codes(text: str) -> list[str]:
    """The words in the first column of the tables of `text`."""
    return [word for cell in CODE.findall(text) for word in re.findall(r"`(\w+)`", cell)]


@pytest.mark.parametrize("word", IN_THE_GLOSSARY)
def test_the_glossary_lists_exactly_the_members(word: str) -> None:
    row = next(line for line in document("glossary.md").splitlines() if line.startswith(f"| **{word}** |"))
    assert LISTED.findall(row) == [", ".join(IN_THE_GLOSSARY[word])]


def test_json_lists_exactly_the_members() -> None:
    assert LISTED.findall(document("json.md")) == [", ".join(kind) for kind in IN_JSON]


def test_every_reason_has_its_row_for_operators_and_its_words_on_the_page() -> None:
    assert codes(section(document("operations.md"), "Why a deployment failed")) == list(Reason)
    assert EXPLANATIONS.keys() == set(Reason)


def test_authors_of_policies_read_of_every_result_and_every_event() -> None:
    text = document("policies.md")
    assert codes(section(text, "What becomes of it")) == list(ResultState)
    events = next(line for line in text.splitlines() if line.startswith("| `events` |"))
    assert [word for word in EventKind if f"`{word}`" not in events] == []


@pytest.mark.parametrize("kind", STATES)
def test_every_state_has_a_face(kind: type[StrEnum]) -> None:
    assert [state for state in kind if state not in TONE_OF] == []


def test_a_word_of_a_newer_peer_is_kept_as_it_came() -> None:
    failed = {"environment": "e", "deployment": "d", "message": "too hot", "reason": "overheated"}
    assert DeploymentFailed.model_validate(failed).reason == "overheated"
    assert DeploymentFailed.model_validate(failed | {"reason": "no_space"}).reason is Reason.NO_SPACE
    service = ObservedService.model_validate({"name": "web", "kind": "web", "state": "thinking"})
    assert service.model_dump(mode="json")["state"] == "thinking"
    line = LogLine.model_validate({"text": "hello", "source": "proxy", "stream": "side"})
    assert (line.source, line.stream) == ("proxy", "side")
    assert Phase.of("polish web") is None


def test_a_phase_is_known_by_its_name() -> None:
    assert Phase.BUILD.named("web") == "build web" and Phase.of("build web") is Phase.BUILD
    assert Phase.HEALTH.named() == "health" and Phase.of("health") is Phase.HEALTH


def test_a_waived_result_has_no_part_in_verdict_and_score() -> None:
    def result(state: ResultState, points: float | None = None) -> PolicyResult:
        return PolicyResult(version_id="v", slug="p", state=state, score=points)

    waived = result(ResultState.WAIVED, 0)
    assert verdict([waived]) is verdict([]) is EvaluationState.PASSED and score([waived]) is None
    assert score([waived, result(ResultState.PASSED, 90)]) == 90
    assert verdict([waived, result(ResultState.FAILED, 10)]) is EvaluationState.FAILED


def test_no_word_is_compared_or_passed_on_as_bare_text() -> None:
    files = [file for file in (ROOT / "seatrial").rglob("*.py") if not OTHERS.search(str(file))]
    bare_ones = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in files
        for node in nodes(file)
        if isinstance(node, ast.Compare | ast.keyword) and says_a_bare_word(node)
    ]
    assert bare_ones == [], "use the enumeration of seatrial.wire"


def test_templates_compare_states_that_exist() -> None:
    of = {
        "environment.state": EnvironmentState,
        "newest.state": DeploymentState,
        "evaluation.state": EvaluationState,
        "result.state": ResultState,
        "agent.state": AgentState,
        "trial.state": TrialState,
        "deployment.state": DeploymentState,
        "shot.state": ScreenshotState,
        "waiver.state": WaiverState,
        "pull_request.state": PullRequestState,
        "isolation": Isolation,
        "sandbox": Isolation,
    }
    compared = [
        (file.name, thing, word)
        for file in (ROOT / "seatrial").rglob("*.html")
        for thing, word in IN_TEMPLATE.findall(file.read_text())
    ]
    assert compared
    assert [(name, thing, word) for name, thing, word in compared if word not in set(of[thing])] == []


def says_a_bare_word(node: ast.Compare | ast.keyword) -> bool:
    if isinstance(node, ast.keyword):
        about = (node.arg or "").removesuffix("__in") in ABOUT
        return about and any(word in WORDS for word in bare(node.value))
    sides = [node.left, *node.comparators]
    about = any(name in ABOUT for side in sides for name in named(side))
    return about and any(word in WORDS for side in sides for word in bare(side))


def named(node: ast.expr) -> Iterator[str]:
    """The name in `x.state`, `x["state"]`, `x.get("state")` and `state`: `state`."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            yield name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            yield name
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
            yield name


def bare(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(word)):
            yield word
        case ast.Set(elts=elements) | ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                yield from bare(element)


@pytest.mark.parametrize(
    "code",
    [
        'deployment.state == "live"',
        'evaluation["state"] in {"queued", "running"}',
        'newest.get("state") != "failed"',
        'reason == "no_space"',
        'rows.filter(state="live")',
        'remembered.runtime == "process"',
        'PolicyLog(level="warning")',
        'rows.filter(state__in=["live", later])',
    ],
)
def test_a_bare_word_would_be_found(code: str) -> None:
    expression = ast.parse(code, mode="eval").body
    nodes = [node for node in ast.walk(expression) if isinstance(node, ast.Compare | ast.keyword)]
    assert [says_a_bare_word(node) for node in nodes] == [True]
