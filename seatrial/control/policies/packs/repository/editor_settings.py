"""Every editor writes files alike.

Reads .editorconfig as editors do: sections, keys and values must be known, and the one at the root must say so and set at least how
lines are indented or end.
"""

import re

NAME = "Editor settings"
TESTS = [
    {"name": "good", "input": {"files": {".editorconfig": "root = true\n\n[*]\nindent_style = space\nindent_size = 4\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "missing", "input": {"files": {"a.py": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "a wrong value", "input": {"files": {".editorconfig": "root = true\n[*]\nindent_style = spaces\n"}},
     "expected": {"passed": False, "findings": [{"path": ".editorconfig", "line": 3}]}},
    {"name": "not the root", "input": {"files": {".editorconfig": "[*]\nend_of_line = lf\n"}}, "expected": {"passed": True, "score": 80}},
    {"name": "no line of it", "input": {"files": {".editorconfig": "root = true\n[*\nfoo\n"}}, "expected": {"passed": False, "findings": 2}},
    {"name": "sets nothing", "input": {"files": {".editorconfig": "root = true\n"}}, "expected": {"passed": False, "score": 40}},
]  # fmt: skip

NUMBER = r"\d+|unset"
VALUES = {
    "indent_style": "tab|space|unset", "indent_size": rf"tab|{NUMBER}", "tab_width": NUMBER, "end_of_line": "lf|crlf|cr|unset",
    "charset": "latin1|utf-8|utf-8-bom|utf-16be|utf-16le|unset", "trim_trailing_whitespace": "true|false|unset",
    "insert_final_newline": "true|false|unset", "max_line_length": rf"off|{NUMBER}", "root": "true|false",
}  # fmt: skip
FILE = ".editorconfig"


def evaluate(project):
    if FILE not in project.files:
        return verdict(0, "No .editorconfig at the root.", [(None, "there is no .editorconfig", "low")])
    problems, root, style = [], False, None
    for number, raw in enumerate(text_of(project, FILE).split("\n"), 1):
        line = raw.strip()
        key, equals, value = (part.strip().lower() for part in re.split(r"\s[#;]", line)[0].partition("="))
        if not line or line[0] in "#;" or re.fullmatch(r"\[.+\]", line):
            continue
        if not equals or line.startswith("["):
            problems.append((number, f"{line[:60]!r} is neither a section nor a setting", "medium"))
        elif key in VALUES and not re.fullmatch(VALUES[key], value):
            problems.append(
                (
                    number,
                    f"{key} cannot be {value[:40]!r}; it can be {VALUES[key].replace('|', ', ')}",
                    "medium",
                )
            )
        root = root or (key, value) == ("root", "true")
        style = style or (number if key in ("indent_style", "indent_size", "end_of_line") else None)
    if problems:
        return verdict(30, f"{FILE}:{problems[0][0]} {problems[0][1]}.", problems)
    if not style:
        return verdict(
            40,
            f"{FILE} sets neither indentation nor ends of lines.",
            [(1, "sets nothing that editors differ in", "low")],
        )
    if not root:
        return verdict(
            80,
            f"{FILE}:{style} sets how editors write, but does not say root = true.",
            [(1, "no root = true", "info")],
        )
    return verdict(100, f"{FILE}:{style} sets how editors write.", [])


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def verdict(score, message, problems):
    found = [
        {"path": FILE, "line": line, "message": text, "severity": level} for line, text, level in problems
    ]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
