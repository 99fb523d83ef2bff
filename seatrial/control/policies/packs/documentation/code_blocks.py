"""Code in the documentation is whole.

Reads the fenced blocks of every Markdown file: each one ends, JSON can be read as JSON and Python as Python (unless it shows a session or leaves something out with
`...`). Blocks that name no language are counted. Parameter `skip`: which paths are not looked at.
"""

import ast
import json
import re
import textwrap

NAME = "Code blocks"
PARAMS = {
    "skip": "(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|templates?)/|(^|/)CHANGELOG"
}
TESTS = [
    {"name": "good", "input": {"files": {"README.md": "```python\nx = 1\n```\n\n```json\n{\"a\": 1}\n```\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "2 blocks"}}},
    {"name": "never ends", "input": {"files": {"README.md": "a\n\n```sh\nmake\n"}}, "expected": {"passed": False, "findings": [{"path": "README.md", "line": 3, "severity": "medium"}]}},
    {"name": "broken JSON", "input": {"files": {"a.md": "```json\n{\n\"a\": 1,\n}\n```\n"}}, "expected": {"passed": False, "findings": [{"line": 4}]}},
    {"name": "broken Python", "input": {"files": {"a.md": "```python\ndef f(:\n    pass\n```\n"}}, "expected": {"passed": False, "findings": [{"line": 2}]}},
    {"name": "something is left out", "input": {"files": {"a.md": "```json\n{\"a\": 1, ...}\n```\n\n```python\n>>> f(\n```\n"}}, "expected": {"passed": True}},
    {"name": "a part of an object", "input": {"files": {"a.md": "```json\n\"a\": {\"b\": 1}\n```\n"}}, "expected": {"passed": True}},
    {"name": "no language", "input": {"files": {"a.md": "```\nmake\n```\n"}}, "expected": {"passed": True, "score": 90}},
    {"name": "within another", "input": {"files": {"a.md": "````md\n```\nx\n````\n"}}, "expected": {"passed": True}},
]  # fmt: skip

PAGE = re.compile(r"\.(md|markdown)$", re.IGNORECASE)
FENCE = re.compile(r"^(\s*(?:>\s?|[-*+] |\d+[.)] )?\s*)(`{3,}|~{3,})\s*([^`\n]*)$")
LEFT_OUT = re.compile(r"\.\.\.|\u2026|<[\w -]+>|//|\{\{|^\s*#|/\*|^\s*(>>>|\$|%|In \[|!)", re.M)


def evaluate(project, params):
    pages = [path for path in project.files.matching(PAGE) if not re.search(params["skip"], path)]
    problems, nameless, counted, read = [], 0, 0, 0
    for path, text in project.read_files(pages):
        read += 1
        for line, language, body, ended in blocks(text):
            counted += 1
            nameless += not language
            if not ended:
                problems.append((path, line, "a block of code begins here and never ends", "medium"))
                continue
            problem = judge(language, body)
            if problem:
                problems.append((path, line + problem[0], problem[1], "low"))
    if problems:
        return {
            "passed": False,
            "score": max(0, 70 - 10 * len(problems)),
            "message": "; ".join(f"{path}:{line} {text}" for path, line, text, _ in problems[:3]) + ".",
            "findings": [
                {"path": p, "line": n, "message": text, "severity": level}
                for p, n, text, level in problems[:200]
            ],
        }
    score = 100 if not nameless else 90
    return {
        "passed": True,
        "score": score,
        "message": f"{counted} blocks in {read} pages are whole. Blocks that name no language: {nameless}.",
    }


def blocks(text):
    """(line of the fence, language, body, whether it ends)."""
    opened = None
    for number, line in enumerate(text.split("\n"), 1):
        match = FENCE.match(line)
        if opened is None:
            if match:
                opened = (number, match[2], re.split(r"[\s{,:]", match[3].strip())[0].lower(), [])
        elif match and match[2].startswith(opened[1]) and not match[3].strip():
            yield opened[0], opened[2], "\n".join(opened[3]), True
            opened = None
        else:
            opened[3].append(line)
    if opened is not None:
        yield opened[0], opened[2], "\n".join(opened[3]), False


def judge(language, body):
    """(line within the block, problem) or None."""
    body = textwrap.dedent(body)
    if not body.strip() or (
        language in ("json", "python", "py") and LEFT_OUT.search(body) and language == "json"
    ):
        return None
    try:
        if language == "json":
            json.loads(
                f"{{{body}}}" if re.match(r'\s*"[^"\n]*"\s*:', body) else body
            )  # often a part of an object
        elif language in ("python", "py") and not re.search(
            r"^\s*(>>>|\$|%|In \[|!)|^\s*\.\.\.\s*$|<[\w -]+>|\u2026|\{\{", body, re.M
        ):
            ast.parse(body)
    except json.JSONDecodeError as error:
        several = re.fullmatch(r"(\s*[{\[].*)+", body, re.DOTALL) and error.msg == "Extra data"
        return None if several else (error.lineno, f"is no JSON: {error.msg}")
    except SyntaxError as error:
        if "await" in body or "return" in body or "yield" in body:  # part of a function
            return None
        return (error.lineno or 1, f"is no Python: {error.msg}")
    except (ValueError, RecursionError, MemoryError):
        return None
    return None
