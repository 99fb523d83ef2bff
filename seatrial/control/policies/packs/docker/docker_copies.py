"""What a Dockerfile copies is there.

Each source of COPY and ADD must be in the repository, below the folder of the Dockerfile or at the root: a build that begins with the wrong
name fails, and often only when somebody needs it. Parameter `required`: a repository without a Dockerfile fails then.
"""

import json
import re
from posixpath import dirname, join, normpath

NAME = "Copied files exist"
PARAMS = {"required": False}
TESTS = [
    {"name": "there", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY src/ pyproject.toml /app/\n", "src/a.py": "", "pyproject.toml": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "not there", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY requirments.txt .\n", "requirements.txt": ""}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 2}]}},
    {"name": "from a stage", "input": {"files": {"Dockerfile": "FROM a:1 AS b\nFROM a:1\nCOPY --from=b /x /y\n"}}, "expected": {"passed": True}},
    {"name": "by a pattern", "input": {"files": {"api/Dockerfile": "FROM a:1\nCOPY package*.json ./\n", "api/package.json": "{}"}}, "expected": {"passed": True}},
    {"name": "as a list", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY [\"no such\", \"/a\"]\n"}}, "expected": {"passed": False}},
    {"name": "an address, an argument, a heredoc", "input": {"files": {"Dockerfile": "FROM a:1\nADD https://x.test/a /a\nCOPY $SRC /b\nCOPY <<E /c\nx\nE\n"}}, "expected": {"passed": True}},
    {"name": "required", "input": {"files": {"a": ""}}, "params": {"required": True}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/")
MADE = re.compile(
    r"^(\./)?(dist|build|target|out|bin|node_modules|\.next|public/build|release)(/|$)|\.(jar|war|whl|tgz|tar\.gz|zip|deb|exe)$"
)


def evaluate(project, params):
    files = project.files
    looked, counted, problems = [], 0, []
    fact = project.fact("dockerfile")
    unread = [f"{path}: {why}" for path, why in fact["left_out"].items()]
    for file in fact["dockerfiles"]:
        path = file["path"]
        if SKIPPED.search(path):
            continue
        looked.append(path)
        for step in (step for stage in file["stages"] for step in stage["instructions"]):
            for source in sources(step):
                counted += 1
                if not there(source, path, files):
                    problems.append(
                        (path, step["line"], f"copies {source[:100]}, which is not in the repository")
                    )
    if not looked:
        passed = not params["required"]
        return {
            "passed": passed,
            "score": 100 if passed else 0,
            "message": f"No Dockerfile among {len(files)} files.{' Not read: ' + unread[0] if unread else ''}",
        }
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"All {counted} sources are there, in {len(looked)} Dockerfiles, such as {looked[0]}.",
        }
    return {
        "passed": False,
        "score": round(90 * (counted - len(problems)) / counted),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "medium"} for p, n, text in problems[:200]
        ],
    }


def folders(path):
    while path := dirname(path):
        yield path


def sources(step):
    """What is copied from the context."""
    if step["instruction"] not in ("COPY", "ADD"):
        return []
    words = step["rest"].split()
    if any(word.startswith("--from=") for word in words) or "<<" in step["rest"]:
        return []
    rest = " ".join(word for word in words if not word.startswith("--"))
    try:
        named = json.loads(rest) if rest.startswith("[") else rest.split()
    except ValueError:
        return []
    wanted = [str(source).strip("\"'") for source in named[:-1]]
    return [
        s
        for s in wanted
        if not re.match(r"\w+://|git@", s) and "$" not in s and "{{" not in s and not MADE.search(s)
    ]


def expression(pattern):
    """A pattern of a Dockerfile as an expression."""
    parts = re.findall(r"\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL)
    return "".join({"*": ".*", "?": "."}.get(one, one if len(one) > 1 else re.escape(one)) for one in parts)


def there(source, path, files):
    for folder in (dirname(path), "", *folders(dirname(path))):
        whole = normpath(join(folder, source.lstrip("/")))
        if (
            whole in (".", folder)
            or files.among([whole, f"{whole}/"])
            or (re.search(r"[*?\[]", whole) and files.count(f"^{expression(whole)}(/|$)"))
        ):
            return True
    return False
