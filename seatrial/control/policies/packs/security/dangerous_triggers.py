"""No workflow runs a stranger's code with this repository's rights.

`pull_request_target` and `workflow_run` have secrets and a token that writes. A workflow that they start must not check out the pull
request's own commit, and comments of strangers (`issue_comment`) must not start a job that looks at no role.
"""

import re

NAME = "Dangerous triggers"
TESTS = [
    {"name": "checks a stranger's code out", "input": {"files": {".github/workflows/a.yml": "on: pull_request_target\njobs:\n  a:\n    steps:\n    - uses: actions/checkout@v5\n      with:\n        ref: ${{ github.event.pull_request.head.sha }}\n    - run: make\n"}},
     "expected": {"passed": False, "findings": [{"path": ".github/workflows/a.yml", "line": 7, "severity": "critical"}]}},
    {"name": "in a script", "input": {"files": {".github/workflows/a.yml": "on: {workflow_run: {workflows: [b]}}\njobs:\n  a:\n    steps:\n    - run: gh pr checkout 1\n"}}, "expected": {"passed": False}},
    {"name": "only labels", "input": {"files": {".github/workflows/a.yml": "on: pull_request_target\njobs:\n  a:\n    steps:\n    - uses: actions/labeler@v5\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "an ordinary pull request", "input": {"files": {".github/workflows/a.yml": "on: pull_request\njobs:\n  a:\n    steps:\n    - uses: actions/checkout@v5\n      with: {ref: '${{ github.head_ref }}'}\n"}}, "expected": {"passed": True}},
    {"name": "anybody's comment", "input": {"files": {".github/workflows/a.yml": "on: issue_comment\njobs:\n  a:\n    steps:\n    - run: gh pr checkout 1\n"}}, "expected": {"passed": False}},
    {"name": "a member's comment", "input": {"files": {".github/workflows/a.yml": "on: issue_comment\njobs:\n  a:\n    if: github.event.comment.author_association == 'OWNER'\n    steps:\n    - run: gh pr checkout 1\n"}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(r"\.(github|forgejo|gitea)/workflows/[^/]+\.ya?ml")
TRIGGERS = ("pull_request_target", "workflow_run", "issue_comment")
STRANGE = re.compile(
    r"head\.(sha|ref|repo)|github\.head_ref|head_(sha|branch|repository|commit)|refs/pull/|pull/\$\{\{|merge_commit_sha|github\.event\.number"
)
FETCHES = re.compile(r"\bgh pr checkout\b|git (fetch|pull|checkout|clone)[^\n]*(head_ref|head\.|pull/)")
GUARD = re.compile(
    r"author_association|head\.repo\.(full_name|fork)|github\.actor\s*==|permission|label", re.IGNORECASE
)


def evaluate(project):
    problems, files, unread = [], [], []
    for path in project.files.matching(FILE, whole=True):
        try:
            documents = project.get_yaml(path) or []
        except ValueError as error:
            unread.append(str(error))
            continue
        files.append(path)
        if documents and isinstance(documents[0]["data"], dict):
            problems += [(path, *found) for found in judge(documents[0]["data"], documents[0]["lines"])]
    note = f" Not read: {'; '.join(unread[:3])}." if unread else ""
    if not problems:
        score = 60 if unread else 100
        return {
            "passed": not unread,
            "score": score,
            "message": f"Workflows read: {len(files)}. None runs a stranger's code with rights.{note}",
        }
    path, line, text = problems[0]
    return {
        "passed": False,
        "score": 0,
        "message": f"{path}:{line} {text}.{note}",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "critical"} for p, n, text in problems[:500]
        ],
    }


def judge(data, lines):
    on = data.get("on", data.get("true"))
    started = [
        name
        for name in TRIGGERS
        if name in ([on] if isinstance(on, str) else on if isinstance(on, list | dict) else [])
    ]
    jobs = data.get("jobs") if isinstance(data.get("jobs"), dict) else {}
    for name, job in jobs.items() if started else ():
        if not isinstance(job, dict) or GUARD.search(str(job.get("if", ""))):
            continue
        for number, step in enumerate(job.get("steps") if isinstance(job.get("steps"), list) else []):
            if not isinstance(step, dict) or GUARD.search(str(step.get("if", ""))):
                continue
            at = f"jobs/{name}/steps/{number}"
            given = step.get("with") if isinstance(step.get("with"), dict) else {}
            if "checkout" in str(step.get("uses", "")) and STRANGE.search(
                f"{given.get('ref', '')} {given.get('repository', '')}"
            ):
                yield (
                    lines.get(f"{at}/with/ref", lines.get(at, 1)),
                    f"checks a stranger's code out, with the rights of {started[0]}",
                )
            elif FETCHES.search(str(step.get("run", ""))):
                yield (
                    lines.get(f"{at}/run", lines.get(at, 1)),
                    f"fetches a stranger's code, with the rights of {started[0]}",
                )
