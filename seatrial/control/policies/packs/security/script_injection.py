"""No text of strangers becomes part of a script.

A title, a branch's name or a comment may hold shell commands. `${{ github.event... }}` with such text must not stand in `run` or in the
script of actions/github-script; put it into `env` and use the variable there.
"""

import re

NAME = "Script injection"
TESTS = [
    {"name": "a title", "input": {"files": {".github/workflows/a.yml": "on: issues\njobs:\n  a:\n    steps:\n    - run: |\n        echo one\n        echo '${{ github.event.issue.title }}'\n"}},
     "expected": {"passed": False, "findings": [{"line": 7, "severity": "high"}]}},
    {"name": "a branch", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - run: git push origin ${{ github.head_ref }}\n"}}, "expected": {"passed": False}},
    {"name": "by the environment", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - env: {TITLE: '${{ github.event.issue.title }}'}\n      run: echo \"$TITLE\"\n"}},
     "expected": {"passed": True, "score": 100}},
    {"name": "a number is harmless", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - run: echo ${{ github.event.number }}\n"}}, "expected": {"passed": True}},
    {"name": "by an index", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - run: echo ${{ github['event'].issue['title'] }}\n"}}, "expected": {"passed": False}},
    {"name": "in github-script", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - uses: actions/github-script@v7\n      with:\n        script: f(`${{ github.event.comment.body }}`)\n"}}, "expected": {"passed": False}},
    {"name": "in an action of one's own", "input": {"files": {"action.yml": "runs:\n  using: composite\n  steps:\n  - run: echo ${{ github.event.pull_request.body }}\n"}}, "expected": {"passed": False}},
]  # fmt: skip

FILE = re.compile(r"\.(github|forgejo|gitea)/workflows/[^/]+\.ya?ml|(.*/)?action\.ya?ml")
BY_INDEX = re.compile(r"\[[\"']([\w-]+)[\"']\]")  # github['head_ref'] is github.head_ref
TEXT = re.compile(
    r"\$\{\{[^}]*\b(github\.head_ref|github\.event\.(issue|pull_request|discussion|comment|review|review_comment|head_commit|commits|pages"
    r"|workflow_run)[\w.\[\]*'-]*\.(title|body|message|email|name|ref|label|head_branch|display_title|page_name|default_branch))\b[^}]*\}\}"
)


def evaluate(project):
    problems, scripts, unread = [], 0, []
    for path in project.files.matching(FILE, whole=True):
        try:
            documents = project.get_yaml(path) or []
        except ValueError as error:
            unread.append(str(error))
            continue
        for line, script in (pair for document in documents for pair in scripts_of(document)):
            scripts += 1
            for match in TEXT.finditer(script):
                problems.append(
                    (path, line + script.count("\n", 0, match.start()), f"puts {match[1]} into a script")
                )
    note = f" Not read: {'; '.join(unread[:3])}." if unread else ""
    if not problems:
        return {
            "passed": not unread,
            "score": 60 if unread else 100,
            "message": f"Scripts read: {scripts}. No text of strangers is in them.{note}",
        }
    return {
        "passed": False,
        "score": max(0, 60 - 20 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + f".{note}",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "high"} for p, n, text in problems[:500]
        ],
    }


def scripts_of(document):
    """(line of its first line, text) of everything that is run."""
    waiting = [("", document["data"])]
    while waiting:
        at, value = waiting.pop()
        inside = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, inner in inside:
            here = f"{at}/{key}" if at else str(key)
            if isinstance(inner, str) and (key == "run" or (key == "script" and at.endswith("with"))):
                yield document["lines"].get(here, 1) + ("\n" in inner), BY_INDEX.sub(r".\1", inner)
            else:
                waiting.append((here, inner))
