"""Facts: each tool once, in a sandbox of its own, and no verdict of a tool that broke."""

import asyncio
import importlib.metadata
import json
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.channel import Pipe, Place, SandboxError
from seatrial.agent.sandboxes.facts import inputs, kingfisher, running
from seatrial.agent.sandboxes.facts.fact import FactFailed, Ran
from seatrial.agent.sandboxes.facts.gathering import Gathering
from seatrial.agent.sandboxes.facts.inputs import inputs_of
from seatrial.agent.sandboxes.facts.programs import program_of
from seatrial.agent.sandboxes.facts.tools import TOOLS, source_of
from seatrial.agent.sandboxes.literals import LiteralTree
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.sandboxes.reading import Reading
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.states import ResultState
from tests.credentials import NoCredentials
from tests.sandboxes.conftest import Bench, NoJobs, Recorded, policy

LENGTH = struct.Struct("!Q")
WORKFLOW = ".github/workflows/ci.yml"
UNSAFE = b"on: pull_request_target\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{ github.event.pull_request.title }}\n"
COMPLETED = f" INFO audit: zizmor: completed ./{WORKFLOW}\n"
FINDING = {
    "ident": "template-injection", "desc": "code injection", "determinations": {"confidence": "High", "severity": "High"},
    "locations": [{"symbolic": {"kind": "Primary", "key": {"Local": {"verbatim_path": f"./{WORKFLOW}"}}, "annotation": "may expand"},
                   "concrete": {"location": {"start_point": {"row": 5}}}}],
}  # fmt: skip
SAID = {
    "code": 0,
    "output": json.dumps([FINDING]),
    "errors": COMPLETED,
    "version": "zizmor 1.32.0\n",
    "kept": {},
}


@dataclass
class FakePipe:
    """A sandbox that answers with `said`, in two pieces, once it has everything; with bytes as they are."""

    said: Any
    heard: bytearray = field(default_factory=bytearray)
    destroyed: bool = False

    async def write(self, data: bytes) -> None:
        self.heard += data

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        if isinstance(self.said, dict):
            body = json.dumps(self.said).encode()
            self.said = LENGTH.pack(len(body)) + body
        piece, self.said = self.said[:20], self.said[20:]
        return piece

    async def destroy(self) -> None:
        self.destroyed = True

    def diagnosis(self) -> str:
        return ""


@dataclass
class FakeWorkshop:
    """Starts pipes that say `said`."""

    said: Any = field(default_factory=lambda: dict(SAID))
    pipes: list[FakePipe] = field(default_factory=list)

    async def start_tool(self, *, empty: bool = False) -> Place:
        if isinstance(self.said, Exception):
            raise self.said
        self.pipes.append(FakePipe(self.said))
        pipe: Pipe = self.pipes[-1]
        return Place(pipe, "/tools", "/tmp")


def broker_of(workshop: FakeWorkshop, tmp_path: Path, files: dict[str, bytes]) -> Broker:
    return Broker(LiteralTree(files), ForgeFacts(), gathering=Gathering(workshop, tmp_path))


async def test_a_fact_says_what_was_found_and_how_much_was_read(tmp_path: Path) -> None:
    workshop = FakeWorkshop()
    broker = broker_of(
        workshop, tmp_path, {WORKFLOW: UNSAFE, ".github/workflows/broken.yml": b"a: [", "src/a.py": b"x"}
    )
    value, [(asked, digest)] = await broker.answer(["fact", ["zizmor"]])
    assert (value["tool"], value["version"], value["files"]) == ("zizmor", "1.32.0", 1)
    assert list(value["left_out"]) == [".github/workflows/broken.yml"]
    assert value["findings"] == [{
        "path": WORKFLOW, "line": 6, "rule": "template-injection", "severity": "high", "confidence": "high",
        "message": "code injection: may expand",
    }]  # fmt: skip
    assert asked == '["fact", ["zizmor"]]' and "1.32.0" in digest
    [pipe] = workshop.pipes
    assert pipe.destroyed and b"src/a.py" not in pipe.heard and WORKFLOW.encode() in pipe.heard
    assert b"--offline" in pipe.heard and b"--no-config" in pipe.heard and b"TOKEN" not in pipe.heard.upper()


async def test_all_who_ask_at_once_and_later_share_one_run(tmp_path: Path) -> None:
    workshop = FakeWorkshop()
    gathering = Gathering(workshop, tmp_path)
    one, other = (
        Broker(LiteralTree({WORKFLOW: UNSAFE}), ForgeFacts(), gathering=gathering) for _ in range(2)
    )
    answers = await asyncio.gather(*(each.answer(["fact", ["zizmor"]]) for each in (one, one, other)))
    assert len(workshop.pipes) == 1 and answers[0] == answers[2]
    changed = Broker(LiteralTree({WORKFLOW: UNSAFE + b"#"}), ForgeFacts(), gathering=gathering)
    await changed.answer(["fact", ["zizmor"]])
    assert len(workshop.pipes) == 2


async def test_one_who_leaves_does_not_end_the_run_of_the_others(tmp_path: Path) -> None:
    workshop = FakeWorkshop()
    broker = broker_of(workshop, tmp_path, {WORKFLOW: UNSAFE})
    first = asyncio.create_task(broker.answer(["fact", ["zizmor"]]))
    await asyncio.sleep(0)
    second = asyncio.create_task(broker.answer(["fact", ["zizmor"]]))
    await asyncio.sleep(0)
    first.cancel()
    value, _ = await second
    assert value["files"] == 1 and len(workshop.pipes) == 1


async def test_what_a_result_depends_on_is_known_without_running_anything(tmp_path: Path) -> None:
    workshop = FakeWorkshop(SandboxError("must not run"))
    asked = '["fact", ["zizmor"]]'
    digests = [
        await broker_of(workshop, tmp_path, files).digest(asked)
        for files in ({WORKFLOW: UNSAFE}, {WORKFLOW: UNSAFE, "a.py": b"1"}, {WORKFLOW: UNSAFE + b"#"})
    ]
    assert digests[0] == digests[1] != digests[2] and not workshop.pipes


async def test_where_nothing_concerns_the_tool_it_does_not_run(tmp_path: Path) -> None:
    value, _ = await broker_of(FakeWorkshop(SandboxError("must not run")), tmp_path, {"a.py": b"x"}).answer(
        ["fact", ["zizmor"]]
    )
    assert value["files"] == 0 and value["findings"] == []


@pytest.mark.parametrize(("said", "why", "again"), [
    ({"missing": "no such file"}, "is not there", False),
    ({"late": True}, "took longer than", False),
    ({**SAID, "code": 101, "errors": "panicked"}, "exit code 101: panicked", False),
    ({**SAID, "output": "{"}, "cannot be read", False),
    ({**SAID, "output": '[{"ident": 1}]'}, "cannot be read", False),
    ({**SAID, "version": "zizmor 1.31.0"}, "is version 1.31.0", False),
    ({"something": "else"}, "another shape", False),
    ({**SAID, "kept": {"a": "?"}}, "cannot be read", False),
    (LENGTH.pack(4) + b"nope", "no JSON", False),
    (LENGTH.pack(1 << 40) + b"x" * 30, "wrote more than", False),
    (b"", "without an answer", False),
    (SandboxError("the engine is away"), "the engine is away", True),
])  # fmt: skip
async def test_a_tool_that_breaks_is_named_with_the_reason(
    tmp_path: Path, said: Any, why: str, again: bool
) -> None:
    workshop = FakeWorkshop(said)
    broker = broker_of(workshop, tmp_path, {WORKFLOW: UNSAFE})
    with pytest.raises(FactFailed, match="the tool zizmor") as failed:
        await broker.answer(["fact", ["zizmor"]])
    assert why in str(failed.value) and failed.value.again is again
    assert all(pipe.destroyed for pipe in workshop.pipes)
    workshop.said = dict(SAID)  # a failure is not remembered
    assert (await broker.answer(["fact", ["zizmor"]]))[0]["files"] == 1


async def test_a_sandbox_that_says_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TOOL_SECONDS", 0.01)
    monkeypatch.setattr(running, "START_SECONDS", 0.01)

    async def never(_: FakePipe) -> bytes:
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr(FakePipe, "read", never)
    workshop = FakeWorkshop()
    with pytest.raises(FactFailed, match="did not answer") as failed:
        await broker_of(workshop, tmp_path, {WORKFLOW: UNSAFE}).answer(["fact", ["zizmor"]])
    assert failed.value.again and workshop.pipes[0].destroyed


async def test_an_unknown_fact_is_a_question_that_makes_no_sense(tmp_path: Path) -> None:
    broker = broker_of(FakeWorkshop(), tmp_path, {})
    with pytest.raises(Unanswerable, match="did you mean zizmor"):
        await broker.answer(["fact", ["zizmo"]])
    with pytest.raises(Unanswerable, match="there are: dockerfile, kingfisher, licences, runtimes, zizmor"):
        await broker.answer(["fact", ["hadolint"]])


async def test_what_does_not_fit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_BYTES", 10_000)
    files = {"a": b"x" * 6_000, "b": b"x" * 6_000, "c": b"x", "d": b"x" * (1 << 20) + b"x"}
    found = await inputs_of(Reading(LiteralTree(files)), ())
    assert [entry.path for entry in found.entries] == ["a"] and list(found.left_out) == ["b", "c", "d"]


SECRET = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(["MIIEowIBAAKCAQEAx7Qv9zW3fJr8uT1yKpLmNd5sGhBc0eVoXiZ2qYt4wRfUaEkC"] * 6)
    + "\n-----END RSA PRIVATE KEY-----\n"
)


def test_a_secret_is_found_and_never_passed_on(tmp_path: Path) -> None:
    """Kingfisher itself, with one of its patterns: working out all of them takes it ten seconds."""
    program = program_of(TOOLS["kingfisher"])
    assert program is not None
    (tmp_path / "files").mkdir()
    (tmp_path / "files/server.key").write_text(SECRET)
    arguments = [one.replace("{kept}", str(tmp_path)) for one in kingfisher.ARGUMENTS] + [
        "--rule=betterleaks.private-key"
    ]
    done = subprocess.run(
        [program, *arguments],
        cwd=tmp_path / "files",
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path)},
    )
    fact = kingfisher.read("2.14.0", Ran(done.returncode, done.stdout, done.stderr), ["server.key"])
    assert [(one.path, one.line, one.rule) for one in fact.findings] == [("server.key", 1, "private-key")]
    assert fact.files == 1 and "MIIEow" in done.stdout and "MIIEow" not in fact.model_dump_json()


def test_kingfisher_that_did_not_read_all_says_nothing() -> None:
    said = {"audit": {"summary": {"scan_partial": 1, "scan_failed": 0}}, "findings": []}
    with pytest.raises(ValueError, match="did not read all"):
        kingfisher.read("2.14.0", Ran(0, json.dumps(said), ""), ["a"])


async def test_patterns_are_worked_out_once_and_given_again(tmp_path: Path) -> None:
    report = {
        "audit": {"summary": {"scan_partial": 0, "scan_failed": 0}}, "findings": [],
        "metadata": {"summary": {"blobs_scanned": 1}},
    }  # fmt: skip
    workshop = FakeWorkshop(
        {**SAID, "output": json.dumps(report), "version": "kingfisher 2.14.0", "kept": {"rules": "cnVsZXM="}}
    )
    for content in (b"x", b"y"):
        await broker_of(workshop, tmp_path, {"a": content}).answer(["fact", ["kingfisher"]])
    kept = [b"kept/rules" in pipe.heard for pipe in workshop.pipes]
    assert kept == [False, True, True]  # the first one was given no file of anybody
    assert b"files/a" not in workshop.pipes[0].heard


def test_every_tool_is_pinned_to_the_version_that_is_read() -> None:
    pinned = Path("requirements/base.in").read_text()
    for tool in TOOLS.values():
        assert (
            f"{tool.package}=={tool.version} " in pinned
            and importlib.metadata.version(tool.package) == tool.version
        )
        assert program_of(tool) is not None
    assert source_of("zizmor").name == "zizmor"


CATCHES = """
def evaluate(project):
    try:
        return {'passed': True, 'score': 100 - len(project.fact('zizmor')['findings'])}
    except BaseException:
        return {'passed': True, 'message': 'caught'}
"""


def evaluations(bench: Bench, gathering: Gathering, tmp_path: Path) -> Evaluations:
    memo = Memo(tmp_path / "other.sqlite3", find_program().digest)
    return Evaluations(
        NoJobs(), Cache(tmp_path / "git2"), NoCredentials(), Recorded(), bench.pool, memo, gathering
    )


async def test_a_policy_judges_what_the_real_tool_says_and_is_remembered(
    processes: Bench, tmp_path: Path
) -> None:
    processes.repository.commit({WORKFLOW: UNSAFE.decode()})
    backend = processes.pool.backend
    assert isinstance(backend, ProcessSandboxes)
    ours = evaluations(processes, Gathering(backend, tmp_path / "tools"), tmp_path)
    [result] = (await ours.evaluate(processes.command(policy(CATCHES)))).results
    assert result.state is ResultState.PASSED and result.message == "" and result.score < 98
    [ran] = result.tools
    assert (ran.tool, ran.version, ran.files, ran.left_out) == (
        "zizmor",
        "1.32.0",
        1,
        0,
    ) and ran.findings == 100 - result.score
    processes.repository.commit({"other.py": "1"})
    [again] = (await ours.evaluate(processes.command(policy(CATCHES)))).results
    assert again.memoised and again.tools == result.tools


async def test_no_policy_makes_a_verdict_of_a_tool_that_broke(processes: Bench, tmp_path: Path) -> None:
    processes.repository.commit({WORKFLOW: UNSAFE.decode()})
    workshop = FakeWorkshop({"late": True})
    ours = evaluations(processes, Gathering(workshop, tmp_path / "tools"), tmp_path)
    [broken, other] = (
        await ours.evaluate(
            processes.command(policy(CATCHES), policy("def evaluate(p): return {'passed': True}", "other"))
        )
    ).results
    assert broken.state is ResultState.ERRORED and broken.message == "the tool zizmor took longer than 45 s"
    assert other.state is ResultState.PASSED and not broken.tools
