"""Reading a policy's TESTS: what is taken, and what is said of what is wrong."""

from typing import Any

import pytest

from seatrial.control.policies import packs
from seatrial.control.policies.errors import BadCriteria, BadMetadata
from seatrial.control.policies.trials import cases
from seatrial.control.policies.trials.drafts import of_file

GOOD = {"name": "there", "input": {"files": {"README.md": "x"}}, "expected": {"passed": True}}


def test_tests_are_read_without_running_the_file() -> None:
    code = f"TESTS = {[GOOD]!r}\nraise SystemExit\ndef evaluate(project): pass\n"
    assert packs.parse("readme", code).tests == [{**GOOD, "params": {}}]
    assert packs.parse("readme", "def evaluate(project): pass\n").tests == []


def test_bytes_are_files_that_are_no_text() -> None:
    (test,) = cases.read("p", ({**GOOD, "input": {"files": {"a.bin": b"\0\1"}}},))
    assert test["input"] == {"files": {"a.bin": {"base64": "AAE="}}}


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("x", "test 1 is 'x'"),
        ({**GOOD, "name": " "}, "has no name"),
        ({**GOOD, "imput": {}}, "Did you mean input?"),
        ({**GOOD, "input": {"list_file": []}}, "Did you mean list_files?"),
        ({**GOOD, "input": {"xyz": []}}, "There is: files, "),
        ({**GOOD, "input": []}, "input is []; it is a dictionary"),
        ({**GOOD, "input": {"files": {"a": 1}}}, "the file a is 1; it is a text"),
        ({**GOOD, "input": {"files": ["a"]}}, "a dictionary of paths and texts"),
        ({**GOOD, "input": {"files": {"a": "\0"}}}, "holds NUL"),
        ({**GOOD, "input": {"get_topics": {1}}}, "cannot be a part of a test"),
        ({**GOOD, "input": {"get_metadata": {1: 2}}}, "keys are texts"),
        ({**GOOD, "expected": {}}, "expects nothing"),
        ({**GOOD, "expected": {"pased": True}}, "Did you mean passed?"),
        ({**GOOD, "expected": {"passed": "yes"}}, "expected.passed is 'yes'; it is True or False"),
        ({**GOOD, "expected": {"score": True}}, "expected.score is True; it is a number"),
        ({**GOOD, "expected": {"state": "waived"}}, "it is one of passed, failed, errored, timed_out"),
        ({**GOOD, "expected": {"message": {"has": "a"}}}, 'or {"contains": "a part of it"}'),
        ({**GOOD, "expected": {"findings": "two"}}, "their number, or a list"),
        ({**GOOD, "expected": {"score": float("inf")}}, "inf is not finite"),
    ],
)
def test_what_is_wrong_with_a_test_is_said_with_the_fix(test: Any, said: str) -> None:
    with pytest.raises(BadMetadata) as error:
        cases.read("p", [test])
    assert said in str(error.value) and "p: test 1" in str(error.value)


def test_what_is_wrong_with_all_of_them_is_said() -> None:
    for tests, said in (
        ({}, "it is a list"),
        ([GOOD, GOOD], "two tests are called"),
        ([GOOD] * 101, "at most 100"),
    ):
        with pytest.raises(BadMetadata, match=said):
            cases.read("p", tests)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def evaluate(project:\n", "line 1"),
        ("PARAMS = open('x')\n", "plain literals"),
        ("x = " + "(" * 900, "nested|line"),
        ("\0", "null bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_says_where(code: str, said: str) -> None:
    with pytest.raises(BadMetadata, match=said):
        of_file("p", code)


def test_a_file_with_criteria_of_no_use_is_refused() -> None:
    with pytest.raises(BadCriteria):
        of_file("p", "CRITERIA = {'events': 'push'}\ndef evaluate(project): pass\n")
