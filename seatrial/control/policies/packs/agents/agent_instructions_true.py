"""What coding agents are told is true.

Instructions name files, folders and commands in backticks: those with a path of this repository must be there, and so must targets of
make and scripts of npm. Parameter `max_percent` of names that may be wrong; parameter `max_days` since the last commit that touched
the file fails older ones (0: age does not matter).
"""

import datetime
import json
import re
from posixpath import dirname, join, normpath

NAME = "True instructions for agents"
PARAMS = {"max_percent": 0, "max_days": 0}
TESTS = [
    {"name": "true", "input": {"files": {"AGENTS.md": "Code is in `src/ship/`, run `make test`, see `docs/a.md`.\n", "src/ship/a.py": "", "docs/a.md": "", "Makefile": "test:\n\ttrue\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "a file that is gone", "input": {"files": {"AGENTS.md": "One.\nSee `docs/old.md`.\n", "docs/new.md": ""}}, "expected": {"passed": False, "findings": [{"path": "AGENTS.md", "line": 2}]}},
    {"name": "a target that is gone", "input": {"files": {"CLAUDE.md": "Run `make check`.\n", "Makefile": "test:\n"}}, "expected": {"passed": False, "message": {"contains": "make check"}}},
    {"name": "a script that is gone", "input": {"files": {"AGENTS.md": "```\nnpm run lint\n```\n", "package.json": '{"scripts": {"test": "x"}}'}}, "expected": {"passed": False, "message": {"contains": "npm run lint"}}},
    {"name": "other words in backticks", "input": {"files": {"AGENTS.md": "Use `x/y` units, `application/json`, `feature/abc`, `a.b`, `https://x.test/a`, `path/to/file.py`.\n", "src/a.py": ""}}, "expected": {"passed": True}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
    {"name": "old", "input": {"files": {"AGENTS.md": "Run it.\n"}, "get_file_last_commit_date": "2020-01-01T00:00:00+00:00"}, "params": {"max_days": 90}, "expected": {"passed": False, "message": {"contains": "2020-01-01"}}},
]  # fmt: skip

FILE = re.compile(
    r"(\.claude/|\.github/)?(AGENTS?|CLAUDE|GEMINI)\.md|\.github/copilot-instructions\.md|\.cursorrules|\.cursor/rules/.+\.mdc?|\.windsurfrules|\.junie/guidelines\.md|(.+/)?AGENTS\.md",
    re.IGNORECASE,
)
QUOTED = re.compile(r"`([^`\n]+)`")
MAKE = re.compile(r"\bmake\s+((?:-\S+\s+)*)([a-z][\w.-]*)\b(?!\s*=)")
SCRIPT = re.compile(r"\b(?:npm run|pnpm run|yarn run|bun run)\s+([\w:.-]+)")
PATH = re.compile(r"\.{0,2}/?[\w.@+-]+(/[\w.@+-]+)+/?")


def evaluate(project, params):
    instructions = project.files.matching(FILE, whole=True)
    if not instructions:
        return result(100, "No instructions for coding agents.", [])
    known = Known(project)
    problems, counted = [], 0
    for path, text in project.read_files(instructions):
        for number, line in enumerate(text.split("\n"), 1):
            for name, true in known.judged(line, path):
                counted += 1
                problems += [] if true else [(path, number, f"names {name}, which is not there")]
    old = [
        one for path in instructions if params["max_days"] and (one := age(project, path, params["max_days"]))
    ]
    percent = 100 * len(problems) / counted if counted else 0
    score = round(100 - percent) if percent <= params["max_percent"] else min(60, round(100 - percent))
    if old:
        return result(min(score, 50), f"{old[0][0]} {old[0][2]}.", [*problems, *old])
    if problems and percent > params["max_percent"]:
        return result(
            score,
            "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3])
            + f". Names that were looked up: {counted}.",
            problems,
        )
    return result(
        max(70, score),
        f"{', '.join(instructions[:3])}: names of files and commands that were looked up: {counted}; wrong: {len(problems)}.",
        problems,
        True,
    )


class Known:
    """What is there: files, folders, targets of make, scripts of npm."""

    def __init__(self, project):
        self.files = project.files
        makefiles = project.read_files(self.files.matching(r"(^|/)(GNUm|m|M)akefile$|\.mk$"))
        self.targets = {
            name
            for _, text in makefiles
            for line in re.findall(r"^([\w./ $()%-]+?)\s*::?(?!=)", text, re.M)
            for name in line.split()
        }
        self.included = any(
            "include " in text for _, text in project.read_files(self.files.matching(r"(^|/)Makefile$"))
        )
        self.scripts = None
        for _, text in project.read_files(self.files.matching(r"(^|/)package\.json$")):
            try:
                self.scripts = {*(self.scripts or ()), *(json.loads(text).get("scripts") or ())}
            except (ValueError, AttributeError, TypeError, RecursionError):
                continue

    def judged(self, line, path):
        """(name, whether it is there) of each name in a line that can be looked up."""
        for match in MAKE.finditer(line) if self.targets and not self.included else ():
            if match.start() == 0 or (
                line[match.start() - 1] in "`$ ;&" and ("`" in line or line.startswith(("    ", "make", "$")))
            ):
                yield (
                    f"make {match[2]}",
                    match[2] in self.targets or any("%" in target for target in self.targets),
                )
        for match in SCRIPT.finditer(line) if self.scripts is not None else ():
            yield match[0], match[1] in self.scripts
        for quoted in QUOTED.findall(line):
            if PATH.fullmatch(quoted) and not quoted.startswith(("/", "path/", "@")):
                near = {normpath(quoted), normpath(join(dirname(path), quoted))}
                if normpath(quoted).split("/")[0] + "/" in self.files:
                    yield quoted, bool(self.files.among([*near, *(f"{one}/" for one in near)]))


def age(project, path, days):
    date = project.get_file_last_commit_date(path)
    if (
        date
        and (
            datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(date.replace("Z", "+00:00"))
        ).days
        > days
    ):
        return path, None, f"was last changed on {date[:10]}, more than {days} days ago"
    return None


def result(score, message, problems, passed=None):
    found = [{"path": p, "line": n, "message": text, "severity": "low"} for p, n, text in problems[:200]]
    return {
        "passed": score >= 70 if passed is None else passed,
        "score": score,
        "message": message,
        "findings": found,
    }
