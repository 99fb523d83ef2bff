"""A newcomer learns how to contribute.

Looks for CONTRIBUTING (root, .github, .gitlab, docs) with enough words and at least one command or step to follow; a section of the
README counts for less. Parameter `min_words`.
"""

import re

NAME = "Contributing guide"
PARAMS = {"min_words": 40}
TESTS = [
    {"name": "a guide with a command", "input": {"files": {"CONTRIBUTING.md": "# Contributing\n\n    make test\n\nword word word word word word"}},
     "params": {"min_words": 5}, "expected": {"passed": True, "score": 100, "message": {"contains": "CONTRIBUTING.md:3"}}},
    {"name": "nothing to follow", "input": {"files": {"docs/CONTRIBUTING.md": "Please be kind to each other and to us and to all."}}, "params": {"min_words": 5},
     "expected": {"passed": False, "score": 60}},
    {"name": "empty", "input": {"files": {".github/CONTRIBUTING.md": "\n"}}, "expected": {"passed": False, "score": 20}},
    {"name": "in the README", "input": {"files": {"README.md": "# Ship\n\n## How to contribute\n\nRun make.\n"}},
     "expected": {"passed": True, "score": 70, "message": {"contains": "README.md:3"}}},
    {"name": "nothing", "input": {"files": {"README.md": "# Ship"}}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

FILE = re.compile(r"(docs/|\.github/|\.gitlab/|\.gitea/)?(contributing|hacking)(\.\w+)?", re.IGNORECASE)
README = re.compile(r"readme(\.\w+)?", re.IGNORECASE)
STEP = re.compile(
    r"^(```|    \S|\t\S|\$ |\s*\d+[.)] \S|\.\. code)|`[\w./-]+ [^`]+`|\b(fork|pull request|merge request)\b",
    re.IGNORECASE,
)
SECTION = re.compile(r"^#{1,6}.*\b(contribut|develop|hacking)", re.IGNORECASE)


def evaluate(project, params):
    files = project.files
    for path in files.matching(FILE, whole=True):
        lines = text_of(project, path).split("\n")
        words = sum(len(line.split()) for line in lines)
        step = next((number for number, line in enumerate(lines, 1) if STEP.search(line)), None)
        if words < params["min_words"]:
            return verdict(
                20, f"{path} has {words} words; {params['min_words']} or more would help a newcomer.", path
            )
        if not step:
            return verdict(60, f"{path} has {words} words, but no command and no step to follow.", path)
        return verdict(100, f"{path}:{step} begins what to do; {words} words.", path)
    for path in files.matching(README, whole=True):
        for number, line in enumerate(text_of(project, path).split("\n"), 1):
            if SECTION.search(line):
                return verdict(
                    70,
                    f"{path}:{number} speaks of contributing; a CONTRIBUTING.md is shown beside pull requests.",
                    path,
                )
    return verdict(0, f"No CONTRIBUTING among {len(files)} files, and no section of the README about it.", "")


def text_of(project, path):
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # no text
        return ""


def verdict(score, message, path):
    found = [] if score >= 70 else [{"path": path, "message": message, "severity": "low"}]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
