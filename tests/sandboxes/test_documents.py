"""What the host reads for policies: YAML with lines, Dockerfiles by instruction."""

from typing import Any

import pytest

from seatrial.agent.sandboxes.documents import documents, steps
from seatrial.agent.sandboxes.documents.yaml import MAX_TEXT


def test_yaml_is_plain_data_with_the_line_of_each_value() -> None:
    [first, second] = documents(
        "on: [push]\njobs:\n  a:\n    steps:\n    - run: |\n        x\n    - uses: b@c\n---\nn: 1"
    )
    assert first["data"] == {"on": ["push"], "jobs": {"a": {"steps": [{"run": "x\n"}, {"uses": "b@c"}]}}}
    assert first["lines"]["jobs/a/steps/0/run"] == 5 and first["lines"]["jobs/a/steps/1"] == 7
    assert second["data"] == {"n": 1} and second["lines"]["n"] == 9


@pytest.mark.parametrize(("text", "value"), [
    ("yes", "yes"), ("true", True), ("~", None), ("1.5", 1.5), ("0x10", 16), ("010", 10),
    ("2026-01-01", "2026-01-01"), ("!Ref a", "a"), ("'1'", "1"), (".inf", ".inf"), ("9" * 30, "9" * 30),
    ("!!python/object/apply:os.system [x]", ["x"]),
])  # fmt: skip
def test_scalars(text: str, value: Any) -> None:
    assert documents(f"a: {text}")[0]["data"] == {"a": value}


def test_merge_keys_are_resolved_and_own_keys_win() -> None:
    [one] = documents("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\nc: {<<: [*a, {x: 3, z: 3}]}")
    assert one["data"]["b"] == {"x": 1, "y": 2} and one["data"]["c"] == {"x": 1, "y": 1, "z": 3}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)  # fmt: skip


@pytest.mark.parametrize(("text", "why"), [
    ("a: [", "line 1"), ("a: 1\n\tb: 2", "line 2"), ("a: *x", "undefined alias"), (BOMB, "more than 20,000 values"),
    ("[" * 90_000, "brackets"), ("&a [*a]", "nested"), ("- " * 40_000, "not valid YAML"), ("x" * (MAX_TEXT + 1), "up to 100,000"),
])  # fmt: skip
def test_what_cannot_be_read_is_a_reason(text: str, why: str) -> None:
    assert why in documents(text)["unreadable"]


def test_an_empty_file_has_no_document() -> None:
    assert documents("") == documents("# nothing\n") == []


def test_a_dockerfile_by_instruction() -> None:
    text = "# escape=`\nFROM a `\n  AS b\nRUN <<EOF\nFROM c\nEOF\n\ncopy x y\n"
    assert steps(text) == [
        {"line": 2, "instruction": "FROM", "rest": "a   AS b"},
        {"line": 4, "instruction": "RUN", "rest": "<<EOF"},
        {"line": 8, "instruction": "COPY", "rest": "x y"},
    ]
    assert "up to 2,000" in steps("RUN x\n" * 2001)["unreadable"]
