"""Every part of the code has an owner.

Reads CODEOWNERS as GitHub, GitLab and Gitea do (the last line that matches wins; sections of GitLab): lines that name nobody, that no
file matches, or that the code host ignores are found, and the files that nobody owns are counted. Parameters: `min_percent` of files
with an owner; `ignore`, patterns of files that need none.
"""

import re
from fnmatch import fnmatch

NAME = "Code owners"
PARAMS = {"min_percent": 80, "ignore": ["*.md", ".gitignore", "LICENSE*"]}
TESTS = [
    {"name": "all owned", "input": {"files": {"CODEOWNERS": "* @alice\n", "a.py": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "no file", "input": {"files": {"a.py": ""}}, "expected": {"passed": False, "score": 0, "message": {"contains": "No CODEOWNERS"}}},
    {"name": "half owned", "input": {"files": {".github/CODEOWNERS": "/api/ @harbour/api\n", "api/a.py": "", "web/a.py": ""}},
     "params": {"min_percent": 80}, "expected": {"passed": False, "message": {"contains": "web/a.py"}}},
    {"name": "the last line wins", "input": {"files": {"CODEOWNERS": "* @alice\n/gen/\n", "gen/a": "", "b": ""}}, "params": {"min_percent": 90},
     "expected": {"passed": False, "message": {"contains": "gen/a"}}},
    {"name": "a line that matches nothing", "input": {"files": {"CODEOWNERS": "* @alice\n/old/ @bob\n", "a": ""}},
     "expected": {"passed": True, "score": 90, "findings": [{"path": "CODEOWNERS", "line": 2}]}},
    {"name": "no owner's name", "input": {"files": {"CODEOWNERS": "* alice\n", "a": ""}}, "expected": {"passed": False, "findings": [{"line": 1}]}},
    {"name": "a section of GitLab", "input": {"files": {".gitlab/CODEOWNERS": "[Web][2] @web\n*.js\n", "a.js": ""}}, "params": {"ignore": [".gitlab/*"]},
     "expected": {"passed": True, "score": 100}},
]  # fmt: skip

PLACES = (
    ".github/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".gitlab/CODEOWNERS",
    ".gitea/CODEOWNERS",
    ".forgejo/CODEOWNERS",
)
OWNER = re.compile(r"@[\w.-]+(/[\w.-]+)*|@@\w+|[^@\s]+@[^@\s]+\.\w+")
SECTION = re.compile(r"\^?\[[^\]]+\](\[\d+\])?\s*(.*)")


def evaluate(project, params):
    files = project.files
    place = next((path for path in PLACES if path in files), None)
    if place is None:
        return result(
            0, f"No CODEOWNERS; looked at {', '.join(PLACES)}.", [("", None, "no CODEOWNERS", "medium")]
        )
    rules, problems = read(place, text_of(project, place), files)
    counted, unowned, without = 0, [], 0
    for path in files:
        if not any(fnmatch(path, pattern) for pattern in params["ignore"]):
            counted += 1
            if not owners(rules, path):
                without += 1
                unowned += [path] if without <= 6 else []
    percent = round(100 * (counted - without) / counted) if counted else 100
    enough = percent >= params["min_percent"] and not any(level == "medium" for _, _, _, level in problems)
    shown = (
        f" Not owned: {', '.join(unowned[:5])}{' and others' if len(unowned) > 5 else ''}." if unowned else ""
    )
    wrong = (
        f" {len(problems)} lines are wrong: {place}:{problems[0][1]} {problems[0][2]}." if problems else ""
    )
    score = max(0, percent - 10 * len(problems))
    return result(
        score, f"{place}: {percent}% of {counted} files have an owner.{shown}{wrong}", problems, enough
    )


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def read(place, text, files):
    """(rules, problems). A rule: (pattern, owners), later ones win."""
    rules, problems, default = [], [], []
    for number, whole in enumerate(text.split("\n"), 1):
        line = re.sub(r"(^|\s)#.*", "", whole).strip()
        section = SECTION.fullmatch(line)
        if section:
            default = section[2].split()
            continue
        words = re.split(r"(?<!\\)\s+", line)
        if not words[0]:
            continue
        pattern, named = words[0].replace("\\ ", " "), words[1:] or default
        strangers = [word for word in named if not OWNER.fullmatch(word)]
        if pattern.startswith("!"):
            problems.append((place, number, "begins with !, which code hosts ignore", "medium"))
        elif strangers:
            problems.append(
                (
                    place,
                    number,
                    f"{strangers[0]} is nobody: owners are @name, @group/team or an address",
                    "medium",
                )
            )
        else:
            expression = compiled(pattern)
            rules.append((expression, named))
            if not files.count(f"^(?:{expression.pattern})"):
                problems.append((place, number, f"{pattern} matches no file", "low"))
    return rules, problems


def compiled(pattern):
    """A pattern of CODEOWNERS as a regular expression for a whole path."""
    anchored = "/" in pattern.rstrip("/")
    body = (
        re.escape(pattern.strip("/"))
        .replace(r"\*\*/", "(.*/)?")
        .replace(r"\*\*", ".*")
        .replace(r"\*", "[^/]*")
        .replace(r"\?", "[^/]")
    )
    tail = "/.*$" if pattern.endswith("/") else "$" if pattern.endswith("/*") else "(/.*)?$"
    return re.compile(("" if anchored else "(.*/)?") + body + tail)


def owners(rules, path):
    return next((named for expression, named in reversed(rules) if expression.match(path)), [])


def result(score, message, problems, passed=False):
    found = [
        {"path": p, "line": line, "message": text, "severity": level} for p, line, text, level in problems
    ]
    return {"passed": passed, "score": score, "message": message, "findings": found}
