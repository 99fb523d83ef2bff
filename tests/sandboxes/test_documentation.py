"""The page for authors of policies: its example runs, and the limits in it are right."""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.agent.sandboxes import memo, reading, validation
from seatrial.agent.sandboxes.literals import Literals
from seatrial.control.policies.packs import parse
from seatrial.sandbox import limits
from seatrial.sandbox.files import Files
from seatrial.sandbox.policy import Log, run
from seatrial.sandbox.project import Project
from seatrial.wire import evaluations
from tests.sandboxes.conftest import Bench, policy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text()
STUB = ROOT / "seatrial/control/policies/static/policies/seatrial_policy.pyi"
EXAMPLE, LARGE, FACT, READ, TESTED, NETWORKED, LIVE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


async def test_the_worked_example_works(processes: Bench) -> None:
    packed = parse("owned-services", EXAMPLE)
    assert packed.name == "Owned services" and packed.description.startswith("Every service has an owner.")
    assert packed.criteria == {"events": ["pull_request", "push"]}
    owned = policy(packed.code, packed.slug, params=packed.params)

    [nobody] = await processes.run(owned)
    assert (nobody.state, nobody.score) == ("failed", 0) and "No CODEOWNERS file" in nobody.message
    processes.repository.commit(
        {"services/mail/a.py": "", "services/shop/a.py": "", "CODEOWNERS": "/services/shop @bob\n"}
    )
    [half] = await processes.run(owned)
    assert (half.state, half.score) == ("failed", 50) and half.message == "No owner in CODEOWNERS for: mail."
    assert half.logs[0].message == "2 services, 1 without an owner"
    processes.repository.commit({"CODEOWNERS": "/services/shop @bob\n/services/mail @alice\n"})
    [all_of_them] = await processes.run(owned)
    assert (all_of_them.state, all_of_them.score) == ("passed", 100)


def test_the_example_for_large_repositories_works() -> None:
    given = {
        "list_files": ["docs/a.md", "Docs/b.MD", "x.png"],
        "get_file_sizes": {"x.png": 2_000_000, "docs/a.md": 1, "Docs/b.MD": 1},
    }
    with asyncio.Runner() as runner:
        answers = Literals(given)
        project = Project(lambda method, arguments: runner.run(answers.answer([method, arguments]))[0])
        result = run("large.py", LARGE, {"project": project})
    assert result == {"passed": False, "message": "2 pages. Large pictures: x.png."}


def test_the_examples_own_test_is_one_of_its_file() -> None:
    first, *_ = parse("owned-services", f"{EXAMPLE}\n{TESTED}").tests
    assert first["name"] == "a service without an owner fails, and is named"


async def test_the_example_that_asks_for_a_fact_judges_what_it_says() -> None:
    finding = {
        "path": "a.yml",
        "line": 3,
        "rule": "artipacked",
        "severity": "high",
        "message": "code injection",
    }
    scope: dict[str, Any] = {}
    exec(compile(FACT, "docs/policies.md", "exec"), scope)
    for findings, passed in (([], True), ([finding], False), ([{**finding, "severity": "low"}], True)):
        answers = Literals({"fact": {"zizmor": {"version": "1", "findings": findings}}})
        value, _ = await answers.answer(["fact", ["zizmor"]])
        assert scope["evaluate"](SimpleNamespace(fact=lambda _, value=value: value))["passed"] is passed


@pytest.mark.parametrize(("text", "passed"), [(f"FROM a@sha256:{'0' * 64}", True), ("FROM a:1", False), ("FROM scratch", True)])  # fmt: skip
async def test_the_example_that_asks_for_what_is_read_judges_by_it(text: str, *, passed: bool) -> None:
    answers = Literals({"files": {"Dockerfile": text, "tests/Dockerfile": "FROM b"}})
    project = Project(lambda method, arguments: asyncio.run(answers.answer([method, arguments]))[0])
    said = await asyncio.to_thread(run, "digests.py", READ, {"project": project})
    assert said["passed"] is passed


async def test_the_example_with_a_network_asks_for_it(processes: Bench) -> None:
    packed = parse("names-resolve", NETWORKED)  # tests/sandboxes/test_networked.py runs it on a network
    assert packed.network and packed.description == "The name of every service in the catalogue resolves."
    [alone] = await processes.run(policy(packed.code, packed.slug, network=True))
    assert alone.state == "errored" and "needs the network" in alone.message


async def test_the_live_example_visits() -> None:
    packed = parse("open", LIVE)
    answers = Literals({"visit": {"/": {"time": 0.2}, "/health": {"status": 503}}})
    project = Project(lambda method, arguments: asyncio.run(answers.answer([method, arguments]))[0])
    said = await asyncio.to_thread(run, "open.py", packed.code, {"project": project})
    assert packed.live and said == {"passed": False, "message": "/ 200 in 0.2 s, /health 503, 0 restarts."}


def test_every_question_is_on_the_page() -> None:
    asked = {name: value for name, value in vars(Project).items() if not name.startswith("_")}
    for name, value in asked.items():
        assert (f"| `{name}`" if isinstance(value, property) else f"| `{name}(") in PAGE, name


def test_the_types_for_editors_are_those_of_the_sandbox() -> None:
    for kind in (Project, Files, Log):
        assert signatures(STUB.read_text(), kind.__name__) - {("warn", "self, message")} == signatures(
            Path(inspect.getfile(kind)).read_text(), kind.__name__
        )


def signatures(source: str, name: str) -> set[tuple[str, str]]:
    """The public methods of a class with their parameters."""
    kind = next(one for one in ast.parse(source).body if isinstance(one, ast.ClassDef) and one.name == name)
    methods = [one for one in kind.body if isinstance(one, ast.FunctionDef)]
    return {
        (one.name, ast.unparse(bare(one))) for one in methods if one.name == "__call__" or one.name[0] != "_"
    }


def bare(function: ast.FunctionDef) -> ast.arguments:
    """Its parameters without their types."""
    for argument in (*function.args.args, *function.args.kwonlyargs):
        argument.annotation = None
    return function.args


def test_the_numbers_are_those_of_the_code() -> None:
    assert (
        f"{evaluations.MAX_MESSAGE:,} characters" in PAGE
        and f"{evaluations.MAX_DETAILS:,} characters" in PAGE
    )
    assert f"{evaluations.MAX_LOG_LINES} log lines" in PAGE and f"up to {validation.MAX_DEPTH} deep" in PAGE
    run = evaluations.PolicyToRun.model_fields
    assert f"{run['timeout_seconds'].default:.0f} seconds and {run['memory_mb'].default} MB" in PAGE
    assert f"above {reading.MAX_FILE >> 20} MB" in PAGE and f"up to {limits.FILE_BYTES >> 20} MB" in PAGE
    assert f"more than {memo.MAX_AGE_SECONDS // 3600} hours" in PAGE
