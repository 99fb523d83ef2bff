"""Policies are taken from files of other places, as they are: what becomes of each, and what is said of a broken one. No database."""

import ast

import pytest

from seatrial.control.policies.authoring.standards import found_in
from seatrial.control.policies.packs import PackedPolicy

ONE = """\
slug: anchor-present
name: Anchor Present
description: >
  Every boat has an anchor,
  and a "spare" one.
author: Harbour
version: 3
suggested_labels: [boats]
criteria:
  events: [merge_request, tag_push, create, push]
  ref: ^main$
  languages:
    - python
code: |
  from __future__ import annotations

  def evaluate(project, log):
      found = "anchor.txt" in project.list_files()
      return {"passed": found, "score": 100 if found else 0}
test_cases:
  - name: has one
    input:
      list_files: [anchor.txt]
      get_file_content:
        anchor.txt: null
        made.txt: 2024-10-07
    expected:
      passed: yes
      score: 100
"""
TWO = "name: Two\ncode: |\n  def evaluate(project): ...\n"


def only(name: str, text: str) -> PackedPolicy:
    found = found_in([(name, text)])
    assert found.broken == []
    return found.standards[0].draft


def broken(text: str, name: str = "a.yaml") -> list[tuple[int, str, str]]:
    return [(one.line, one.key, one.text) for one in found_in([(name, text)]).broken]


def test_a_standard_becomes_a_file_that_has_everything_in_it() -> None:
    draft = only("anchor.yaml", ONE)
    assert (draft.slug, draft.name) == ("anchor-present", "Anchor Present")
    assert draft.description == 'Every boat has an anchor, and a "spare" one.'
    assert draft.criteria["ref"] == "^main$" and draft.criteria["events"][0] == "merge_request"
    tests = next(
        ast.literal_eval(node.value)
        for node in ast.parse(draft.code).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TESTS"
    )
    assert tests[0]["expected"] == {"passed": True, "score": 100}
    assert tests[0]["input"]["get_file_content"] == {"anchor.txt": None, "made.txt": "2024-10-07"}
    namespace: dict[str, object] = {}
    exec(compile(draft.code, "policy", "exec"), namespace)
    assert only("anchor.yaml", ONE).digest == draft.digest == only("b.yml", ONE.replace("\n", "\r\n")).digest


def test_several_are_in_one_file_and_packs_name_theirs() -> None:
    listed = "- " + ONE.replace("\n", "\n  ") + "\n- " + TWO.replace("\n", "\n  ")
    assert [one.draft.slug for one in found_in([("a.yaml", listed)]).standards] == ["anchor-present", "two"]
    apart = found_in([("a.yaml", ONE + "---\n" + TWO)])
    assert [one.draft.slug for one in apart.standards] == ["anchor-present", "two"] and not apart.broken
    packs = "- slug: boats\n  name: Boats\n  standards: [anchor-present]\n"
    found = found_in([("packs.yaml", packs), ("a.yaml", ONE), ("b.yaml", TWO)])
    assert [(one.draft.slug, one.pack) for one in found.standards] == [
        ("anchor-present", "boats"),
        ("two", ""),
    ]
    inside = "slug: boats\nstandards:\n  - slug: two\n    " + TWO.replace("\n", "\n    ")
    assert [(one.draft.slug, one.pack) for one in found_in([("p.yaml", inside)]).standards] == [
        ("two", "boats")
    ]


def test_front_matter_stands_before_the_code() -> None:
    text = "---\nname: Two\ncriteria: {events: [push]}\n---\n\ndef evaluate(project): ...\n"
    assert only("two.md", text).criteria == {"events": ["push"]}
    assert broken(text + "x = (\n", "two.md")[0][0] == 7


def test_a_python_file_is_a_policy_by_its_name() -> None:
    assert only("policies/owned_services.py", "def evaluate(project): ...\n").slug == "owned-services"
    assert broken("x = (\n", "a.py")[0][0] == 1
    assert "ends with none of" in broken("x", "a.txt")[0][2]


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ("  def evaluate", "  deff evaluate", 17, "code", "this is no Python"),
        ("project, log", "project, llm", 17, "code", "asks for 'llm'"),
        ("[merge_request,", "[merge_reqest,", 9, "criteria", "did you mean"),
        ("passed: yes", "pased: yes", 20, "test_cases", "pased"),
        ("name: Anchor Present", "name: [1]", 2, "name", "is a text"),
        ("name: Anchor Present\n", "", 1, "name", "is missing"),
        ("slug: anchor-present", "slug: Not A Slug", 1, "slug", "cannot be a policy's slug"),
        ("ref: ^main$", "ref: [", 13, "", "this is no YAML"),
        ("version: 3", "name: Twice", 7, "", "there twice"),
        ("version: 3", "version: .inf", 7, "", "finite"),
        ("version: 3", "version: !!python/object:os.system x", 7, "", "understood"),
        ("criteria:\n  events", "criteria: text\nx:\n  events", 9, "criteria", "is a dictionary"),
    ],
)
def test_what_is_broken_is_said_with_line_and_key(old: str, new: str, line: int, key: str, said: str) -> None:
    assert old in ONE
    found = broken(ONE.replace(old, new, 1))
    assert any((one[0], one[1]) == (line, key) and said in one[2] for one in found), found


def test_one_broken_item_leaves_the_others() -> None:
    found = found_in(
        [("a.yaml", "- name: Only\n- " + TWO.replace("\n", "\n  ")), ("b.yaml", "[text]"), ("c.yaml", TWO)]
    )
    assert [one.draft.slug for one in found.standards] == ["two"]
    said = [str(one) for one in found.broken]
    assert said[0] == "a.yaml:1: code: is missing" and said[1].startswith("b.yaml: a standard is")
    assert said[2] == "c.yaml:1: slug: two is in a.yaml already"


def test_a_document_cannot_grow() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for one, two in zip("abcdef", "bcdefg", strict=True):
        bomb += f"{two}: &{two} [*{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}]\n"
    assert "more than" in broken(bomb)[0][2]
    assert broken("[" * 600) and broken("a: " + "{b: " * 100 + "1" + "}" * 100)
