"""Coding agents are told how to work here.

Looks for instructions (AGENTS.md, CLAUDE.md, GEMINI.md, Copilot's, Cursor's, Windsurf's and others) with enough words and at least one
command that an agent can run. A file that only points to another one (`@AGENTS.md`) counts as that. Parameter `min_words`.
"""

import re
from posixpath import dirname, join, normpath

NAME = "Instructions for agents"
PARAMS = {"min_words": 30}
TESTS = [
    {"name": "there", "input": {"files": {"AGENTS.md": "# Ship\n\nRun `make test` before each commit, and keep functions short.\n"}}, "params": {"min_words": 8}, "expected": {"passed": True, "score": 100, "message": {"contains": "AGENTS.md:3"}}},
    {"name": "missing", "input": {"files": {"README.md": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "too short", "input": {"files": {"CLAUDE.md": "Be good.\n"}}, "expected": {"passed": False, "score": 30, "findings": [{"path": "CLAUDE.md"}]}},
    {"name": "no command", "input": {"files": {".github/copilot-instructions.md": "Write short functions with good names.\n"}}, "params": {"min_words": 3}, "expected": {"passed": True, "score": 70}},
    {"name": "points to another file", "input": {"files": {"CLAUDE.md": "@AGENTS.md\n", "AGENTS.md": "```\nuv run pytest\n```\none two three four\n"}}, "params": {"min_words": 4}, "expected": {"passed": True, "score": 100}},
    {"name": "points to nothing", "input": {"files": {"CLAUDE.md": "@docs/agents.md\n"}}, "expected": {"passed": False, "message": {"contains": "docs/agents.md"}}},
]  # fmt: skip

FILE = re.compile(
    r"(\.claude/|\.github/)?(AGENTS?|CLAUDE|GEMINI|CODEX|QWEN|WARP)\.md|\.github/(copilot-instructions\.md|instructions/.+\.md)|\.cursorrules|\.cursor/rules/.+\.mdc?"
    r"|\.windsurfrules|\.windsurf/rules/.+\.md|\.clinerules(/.+\.md)?|\.junie/guidelines\.md|\.rules|CONVENTIONS\.md|\.aider\.conf\.yml|\.amazonq/rules/.+\.md|\.goosehints",
    re.IGNORECASE,
)
COMMAND = re.compile(r"`[\w./-]+ [^`\n]+`|^```|^    \S|^\$ \S|`(make|just|tox|nox|pytest|npm|cargo)\b", re.M)


def evaluate(project, params):
    files = project.files
    found = [judge(project, path, files, params["min_words"]) for path in files.matching(FILE, whole=True)]
    if not found:
        return verdict(
            0,
            f"No instructions for coding agents among {len(files)} files: an AGENTS.md is read by most.",
            "",
        )
    best = max(found, key=lambda one: one["score"])
    broken = next((one for one in found if one["score"] == 10), None)
    return broken or best


def judge(project, path, files, min_words):
    text, missing = whole(project, path, files, 0)
    if missing:
        return verdict(10, f"{path} points to {missing}, which is not there.", path)
    words = len(text.split())
    if words < min_words:
        return verdict(30, f"{path} has {words} words; {min_words} or more would help an agent.", path)
    command = COMMAND.search(text)
    if not command:
        return verdict(70, f"{path} has {words} words, but no command that an agent could run.", path)
    line = text.count("\n", 0, command.start()) + 1
    return verdict(100, f"{path}:{line} begins the first command; {words} words.", path)


def whole(project, path, files, depth):
    """The text with what it points to, and the first file that is not there."""
    try:
        text = project.get_file_content(path) or ""
    except ValueError:  # no text
        return "", None
    for match in re.finditer(r"^@(\S+\.\w+)\s*$", text, re.M) if depth < 5 else ():
        target = normpath(join(dirname(path), match[1]))
        if target.startswith(("~", "/")):
            continue
        if target not in files:
            return text, target
        more, missing = whole(project, target, files, depth + 1)
        if missing:
            return text, missing
        text += more
    return text, None


def verdict(score, message, path):
    found = [] if score >= 70 else [{"path": path, "message": message, "severity": "low"}]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
