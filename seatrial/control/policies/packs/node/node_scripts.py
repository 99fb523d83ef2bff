"""`npm run` does what everybody expects.

package.json at the root has the scripts of parameter `wanted`, each of which does something: npm's own "no test specified", `echo` and
`exit 0` do not count, and files of the repository that a script calls are there.
"""

import json
import re

NAME = "npm scripts"
PARAMS = {"wanted": ["test", "build|dev|start|lint"]}
TESTS = [
    {"name": "all", "input": {"files": {"package.json": '{"scripts": {"test": "vitest run", "build": "vite build"}}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "no test specified", "input": {"files": {"package.json": '{"scripts": {\n"test": "echo \\"Error: no test specified\\" && exit 1", "dev": "vite"}}'}},
     "expected": {"passed": False, "score": 50, "findings": [{"path": "package.json", "line": 2}]}},
    {"name": "one is missing", "input": {"files": {"package.json": '{"scripts": {"test": "jest"}}'}}, "expected": {"passed": False, "message": {"contains": "build, dev, start or lint"}}},
    {"name": "calls a file that is not there", "input": {"files": {"package.json": '{"scripts": {"test": "node scripts/test.js", "start": "node a.js"}}', "a.js": ""}}, "expected": {"passed": False, "message": {"contains": "scripts/test.js"}}},
    {"name": "a library needs no build", "input": {"files": {"package.json": '{"scripts": {"test": "mocha"}}'}}, "params": {"wanted": ["test"]}, "expected": {"passed": True}},
    {"name": "none", "input": {"files": {"a.py": ""}}, "expected": {"passed": True}},
]  # fmt: skip

NOTHING = re.compile(
    r"no test specified|^\s*(echo\b[^&|;]*|true|:|exit 0|npx? --version)\s*((&&|;)\s*exit [01]\s*)?$"
)
CALLS = re.compile(r"\b(?:node|tsx|ts-node|bash|sh)\s+(\./)?([\w./-]+\.(?:[cm]?[jt]s|sh))\b")


def evaluate(project, params):
    files = project.files
    if "package.json" not in files:
        return verdict(100, "No package.json at the root.", [])
    text = text_of(project, "package.json")
    try:
        data = json.loads(text)
        scripts = data.get("scripts") if isinstance(data, dict) else {}
        scripts = scripts if isinstance(scripts, dict) else {}
    except (ValueError, RecursionError) as error:
        return verdict(0, f"package.json is not valid: {error}.", [(1, f"not valid JSON: {error}")])
    problems, good = [], []
    for names in params["wanted"]:
        given = [name for name in names.split("|") if scripts.get(name)]
        wrong = [
            (line_of(text, name), problem)
            for name in given
            if (problem := judge(name, str(scripts[name]), files))
        ]
        if not given:
            problems.append(
                (
                    line_of(text, "scripts"),
                    f"no script {' or '.join(names.split('|')) if names.count('|') < 2 else ', '.join(names.split('|')[:-1]) + ' or ' + names.split('|')[-1]}",
                )
            )
        elif len(wrong) == len(given):
            problems.append(wrong[0])
        else:
            good += [name for name in given if not judge(name, str(scripts[name]), files)][:1]
    score = round(100 * len(good) / len(params["wanted"])) if params["wanted"] else 100
    if problems:
        return verdict(
            score, "; ".join(f"package.json:{line} {text}" for line, text in problems) + ".", problems
        )
    return verdict(
        score,
        "Scripts: " + ", ".join(f"{name} (package.json:{line_of(text, name)})" for name in good) + ".",
        [],
    )


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def judge(name, command, files):
    if NOTHING.search(command):
        return f"{name} does nothing: {command[:60]}"
    missing = next(
        (
            match[2]
            for match in CALLS.finditer(command)
            if match[2] not in files and not re.match(r"(dist|build|lib|out|\.|node_modules)", match[2])
        ),
        None,
    )
    return f"{name} calls {missing}, which is not there" if missing else None


def line_of(text, name):
    match = re.search(rf'"{re.escape(name)}"\s*:', text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def verdict(score, message, problems):
    found = [
        {"path": "package.json", "line": line, "message": text, "severity": "low"} for line, text in problems
    ]
    return {"passed": score == 100, "score": score, "message": message, "findings": found}
