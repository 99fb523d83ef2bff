"""What a policy's own tests answer in place of a commit."""

import base64
from typing import Any

import pytest

from seatrial.agent.sandboxes.broker import READERS, Broker
from seatrial.agent.sandboxes.filing import QUESTIONS
from seatrial.agent.sandboxes.literals import Literals
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.sandbox.project import Project
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.trials import BYTES, FILES, METHODS


async def asked(given: dict[str, Any], method: str, *arguments: Any) -> Any:
    return (await Literals(given).answer([method, list(arguments)]))[0]


def test_every_question_that_a_policy_can_ask_can_be_answered_by_a_test() -> None:
    assert {name for name in vars(Project) if not name.startswith("_")} == METHODS | {FILES}


async def test_what_is_not_given_is_as_empty_as_it_can_be() -> None:
    broker = Broker(None, ForgeFacts())  # type: ignore[arg-type]
    nothing = ({"found": [], "left_out": 0, "files": 0, "unread": {}}, {"manifests": [], "left_out": {}})
    of_one = {"get_file_content", "get_file_last_commit_date", "get_entry", "owners_of", "search", *READERS}
    of_files = {method for method in broker._answers if method.startswith(QUESTIONS)}
    for method in broker._answers.keys() - of_files - {"get_class", "fact"}:
        assert await asked({}, method, *["x"] * (method in of_one)) in ([], {}, None, "", *nothing), method
    assert (await asked({}, "fact", "zizmor"))["findings"] == []
    assert await asked({}, "get_files_content", "a") == {
        "files": {}, "left_out": {"a": "there is no such file"}, "done": 1,
    }  # fmt: skip


async def test_files_answer_every_question_about_files() -> None:
    binary = {BYTES: base64.b64encode(b"\0\1").decode()}
    given = {"files": {"b.md": "é", "a.bin": binary, "c.yml": "a: [1]"}}
    assert await asked(given, "get_yaml", "c.yml") == [
        {"data": {"a": [1]}, "lines": {"": 1, "a": 1, "a/0": 1}}
    ]
    del given["files"]["c.yml"]
    assert await asked(given, "list_files") == ["a.bin", "b.md"]
    assert await asked(given, "get_file_sizes") == {"a.bin": 2, "b.md": 2}
    assert await asked(given, "get_file_content", "b.md") == "é"
    assert await asked(given, "get_file_content", "a.bin") == {"unreadable": "a binary file"}
    assert await asked(given, "get_file_content", "c") is None
    assert await asked(given, "get_files_content", "a.bin", "b.md") == {
        "files": {"b.md": "é"}, "left_out": {"a.bin": "a binary file"}, "done": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {"files": {"a.py": "x", "b": ""}},
        {"list_files": ["a.py", "b"]},
        {"get_file_sizes": {"a.py": 1, "b": 0}},
    ],
)
async def test_what_a_test_lists_is_what_project_files_knows(given: dict[str, Any]) -> None:
    assert await asked(given, "files_count") == 2
    assert await asked(given, "files_matching", r"\.py$") == ["a.py"]
    assert await asked(given, "files_among", ["b", "c"]) == ["b"]
    assert await asked(given, "files_part", "0") == {"paths": ["a.py", "b"], "next": None}


async def test_what_a_method_is_given_goes_before_files() -> None:
    given = {"files": {"a": "1"}, "list_files": ["z"], "get_file_content": {"a": "2"}}
    assert await asked(given, "list_files") == ["z"]
    assert await asked({"list_files": ["b.py", "tests/a.py"]}, "list_files", ["*.py"], [], ["tests"]) == [
        "tests/a.py"
    ]
    assert await asked(given, "get_file_content", "a") == "2"
    assert await asked(given, "get_files_content", "a") == {"files": {"a": "2"}, "left_out": {}, "done": 1}
    assert await asked({"get_file_content": "same"}, "get_files_content", "a") == {
        "files": {"a": "same"},
        "left_out": {},
        "done": 1,
    }


async def test_an_answer_is_for_each_argument_or_for_all() -> None:
    assert await asked({"get_file_content": "same"}, "get_file_content", "a") == "same"
    dates = {"get_file_last_commit_date": {"a": "2026-01-01T00:00:00Z"}}
    assert await asked(dates, "get_file_last_commit_date", "a") == "2026-01-01T00:00:00Z"
    assert await asked(dates, "get_file_last_commit_date", "b") is None
    assert await asked({"get_file_content": {"a": "1"}}, "list_files") == [], "as GitGrit has it"
    assert await asked({"get_file_content": {"a.yml": "b: 1"}}, "get_yaml", "a.yml") is not None
    assert await asked({"get_languages": {"Go": 100.0}}, "get_languages") == {"Go": 100.0}


@pytest.mark.parametrize(
    "question", [["no_such", []], ["get_file_content", []], ["fact", []], ["fact", ["no-such"]], "x"]
)
async def test_a_question_that_makes_no_sense_is_refused(question: Any) -> None:
    with pytest.raises(Unanswerable):
        await Literals({}).answer(question)
