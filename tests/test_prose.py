"""No sentence for people is compared, searched or cut: what a program decides on is an enum, a column, a label, a field.

This finds it by the names that such sentences have in our code. A sentence under another name it does not find.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.sources import nodes

ROOT = Path(__file__).resolve().parent.parent / "seatrial"
SENTENCES = {
    "message",
    "shown_message",
    "reason",
    "problem",
    "warning",
    "warnings",
    "note",
    "notes",
    "waits_for",
    "why",
}
READS = {
    "startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "find", "index", "rstrip",
    "search", "match", "fullmatch", "findall", "finditer", "sub", "replace",
}  # fmt: skip
# What other programs say may be read where they say it in no other way; and what only looks like a sentence.
FOREIGN = {
    "agent/builds/outcome.py": "buildah's words",
    "agent/environments/service.py": "warnings by the part that they are about",
    "agent/sandboxes/documents/manifests/shape.py": "the TOML parser's words, which alone say the line",
    "agent/recipes/compose/complaints.py": "Compose's words",
    "agent/recipes/document.py": "the YAML parser's words",
    "cli/repository.py": "git's words",
    "embedded/engine/setup.py": "the engine's words",
}
IN_TEMPLATES = re.compile(
    r"\{%\s*(?:el)?if\b[^%]*(?:\.(?:message|shown_message|waits_for|word|why)\s*(?:[!=]=)|\bin\s+\w+\.(?:message|warnings?|notes?)\b)"
)


def is_sentence(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in SENTENCES
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name in SENTENCES
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]):
            return name in {"error", "problem"}
        case ast.Call(func=ast.Attribute(value=value, attr="lower" | "strip")) | ast.Subscript(value=value):
            return is_sentence(value)
        case _:
            return False


def is_prose(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def is_read(node: ast.AST) -> bool:
    match node:
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[right]):
            return is_sentence(right)
        case ast.Compare(ops=[ast.Eq() | ast.NotEq()], left=left, comparators=[right]):
            written = [one for one in (left, right) if is_prose(one) and ast.unparse(one) not in {"''", '""'}]
            return bool(written) and (is_sentence(left) or is_sentence(right))
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=given) if name in READS:
            return is_sentence(value) or any(map(is_sentence, given))
        case _:
            return False


def reads(nodes: Iterable[ast.AST]) -> list[str]:
    return [f"line {node.lineno}: {ast.unparse(node)}" for node in nodes if is_read(node)]


def test_no_code_reads_a_sentence_for_people() -> None:
    found = {
        name: lines
        for file in sorted(ROOT.rglob("*.py"))
        if "migrations" not in file.parts  # which carry along what older releases wrote
        and (lines := reads(nodes(file)))
        and (name := str(file.relative_to(ROOT)))
    }
    assert {name: lines for name, lines in found.items() if name not in FOREIGN} == {}
    assert FOREIGN.keys() <= found.keys(), "an exception that nothing needs any more"


def test_no_template_reads_a_sentence_for_people() -> None:
    templates = sorted(ROOT.rglob("*.html"))
    assert templates
    assert [str(file) for file in templates if IN_TEMPLATES.search(file.read_text())] == []


@pytest.mark.parametrize(
    "code",
    [
        "warning.endswith(KNOWN)",
        'candidate.message.removeprefix("Waits for ")',
        'deployment["message"].startswith("Waits")',
        'problem, _, fix = str(error).partition(". ")',
        "WORDS.search(str(error))",
        'reason != "ended with exit code 0"',
        '"stand-in" in warning.lower()',
    ],
)
def test_what_is_to_be_found_is_found(code: str) -> None:
    assert reads(ast.walk(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["event.reason == Reason.NEEDS_ENGINE", "row.message == ''", "why != self.explained"]
)
def test_enums_and_changes_are_no_reading(code: str) -> None:
    assert not reads(ast.walk(ast.parse(code)))
