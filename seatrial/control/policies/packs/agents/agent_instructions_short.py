"""What coding agents must read fits into their attention.

Instructions that are read in every session, with the files that they include (`@file`), have at most `max_lines` lines and `max_kb`
kilobytes.
"""

import re
from posixpath import dirname, join, normpath

NAME = "Short instructions for agents"
PARAMS = {"max_lines": 200, "max_kb": 24}
TESTS = [
    {"name": "short", "input": {"files": {"AGENTS.md": "a\nb\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "AGENTS.md: 2 lines"}}},
    {"name": "long", "input": {"files": {"AGENTS.md": "a\nb\nc\nd\n"}}, "params": {"max_lines": 3}, "expected": {"passed": False, "findings": [{"path": "AGENTS.md", "line": 4}]}},
    {"name": "long by what it includes", "input": {"files": {"CLAUDE.md": "@docs/a.md\n", "docs/a.md": "1\n2\n3\n"}}, "params": {"max_lines": 3}, "expected": {"passed": False, "message": {"contains": "with 1 included"}}},
    {"name": "few lines, and long ones", "input": {"files": {"AGENTS.md": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"}}, "params": {"max_kb": 0.05}, "expected": {"passed": False}},
    {"name": "includes itself", "input": {"files": {"CLAUDE.md": "@CLAUDE.md\n"}}, "expected": {"passed": True}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(
    r"(\.claude/|\.github/)?(AGENTS?|CLAUDE|GEMINI)\.md|\.github/copilot-instructions\.md|\.cursorrules|\.windsurfrules|\.junie/guidelines\.md|(.+/)?(AGENTS|CLAUDE)\.md",
    re.IGNORECASE,
)
INCLUDES = re.compile(r"(?:^|\s)@((?:\.{0,2}/)?[\w./-]+\.\w+)")


def evaluate(project, params):
    judged = [measure(project, path) for path in project.files.matching(FILE, whole=True)]
    if not judged:
        return {"passed": True, "score": 100, "message": "No instructions for coding agents."}
    found = []
    for path, lines, size, included in judged:
        if lines > params["max_lines"] or size > params["max_kb"] * 1024:
            with_others = f", with {included} included" if included else ""
            text = f"{lines:,} lines and {size / 1024:.1f} kB{with_others}; more than {params['max_lines']} lines or {params['max_kb']} kB are skimmed"
            found.append(
                {
                    "path": path,
                    "line": params["max_lines"] + 1 if lines > params["max_lines"] else 1,
                    "message": text,
                    "severity": "low",
                }
            )
    path, lines, size, included = max(judged, key=lambda one: one[1])
    if not found:
        what = f" with {included} included" if included else ""
        return {
            "passed": True,
            "score": 100,
            "message": f"{path}: {lines} lines and {size / 1024:.1f} kB{what}.",
        }
    score = max(0, min(60, round(60 * params["max_lines"] / lines)))
    return {
        "passed": False,
        "score": score,
        "message": f"{found[0]['path']}: {found[0]['message']}.",
        "findings": found,
    }


def measure(project, path):
    """(path, lines, bytes, files included), includes within includes counted once."""
    waiting, seen, lines, size = [path], set(), 0, 0
    while waiting and len(seen) < 50:
        one = waiting.pop()
        if one in seen or one not in project.files:
            continue
        seen.add(one)
        try:
            text = project.get_file_content(one) or ""
        except ValueError:  # no text, or above 1 MB
            continue
        lines += len(text.removesuffix("\n").split("\n"))
        size += len(text.encode())
        waiting += [
            normpath(join(dirname(one), target))
            for target in INCLUDES.findall(re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL))
        ]
    return path, lines, size, len(seen) - 1
