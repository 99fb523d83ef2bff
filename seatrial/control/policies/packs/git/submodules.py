"""Whoever clones the repository gets its submodules.

Reads .gitmodules: each submodule has a path and an address that others can reach: https, or relative to this repository. Addresses of ssh
need a key, `git://` and `http://` are not encrypted, folders of one machine exist nowhere else, and credentials do not belong there. Parameter
`allow_ssh`: those of ssh pass.
"""

import re

NAME = "Reachable submodules"
PARAMS = {"allow_ssh": False}
TESTS = [
    {"name": "good", "input": {"files": {".gitmodules": '[submodule "a"]\n\tpath = a\n\turl = https://x.test/a.git\n[submodule "b"]\n\tpath = b\n\turl = ../b.git\n'}}, "expected": {"passed": True, "score": 100}},
    {"name": "by ssh", "input": {"files": {".gitmodules": '[submodule "a"]\n\tpath = a\n\turl = git@x.test:a.git\n'}}, "expected": {"passed": False, "findings": [{"path": ".gitmodules", "line": 3}]}},
    {"name": "ssh is wanted", "input": {"files": {".gitmodules": '[submodule "a"]\n\tpath = a\n\turl = ssh://git@x.test/a.git\n'}}, "params": {"allow_ssh": True}, "expected": {"passed": True}},
    {"name": "of one machine", "input": {"files": {".gitmodules": '[submodule "a"]\n\tpath = a\n\turl = /home/bob/a\n'}}, "expected": {"passed": False}},
    {"name": "with a password", "input": {"files": {".gitmodules": '[submodule "a"]\n\tpath = a\n\turl = https://bob:secret@x.test/a\n'}}, "expected": {"passed": False, "message": {"contains": "credentials"}}},
    {"name": "without an address", "input": {"files": {".gitmodules": '[submodule "a"]\n\tpath = a\n'}}, "expected": {"passed": False, "findings": [{"line": 1}]}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = ".gitmodules"


def evaluate(project, params):
    if FILE not in project.files:
        return {"passed": True, "score": 100, "message": "No submodules."}
    modules, problems = [], []
    for number, line in enumerate(text_of(project, FILE).split("\n"), 1):
        head = re.match(r'\s*\[submodule "(.+)"\]', line)
        pair = re.match(r"\s*(path|url|branch)\s*=\s*(.*?)\s*$", line)
        if head:
            modules.append({"name": head[1], "line": number})
        elif pair and modules:
            modules[-1][pair[1]] = (pair[2], number)
    for module in modules:
        address, line = module.get("url", ("", module["line"]))
        problem = judge(address, params["allow_ssh"])
        if problem:
            problems.append((line, f"{module['name']}: {problem}"))
        if "path" not in module:
            problems.append((module["line"], f"{module['name']} has no path"))
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"{FILE}: everybody can fetch its {len(modules)} submodules.",
        }
    return {
        "passed": False,
        "score": max(0, 60 - 20 * (len(problems) - 1)),
        "message": "; ".join(f"{FILE}:{line} {text}" for line, text in problems[:3]) + ".",
        "findings": [
            {"path": FILE, "line": line, "message": text, "severity": "medium"} for line, text in problems
        ],
    }


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def judge(address, ssh):
    if not address:
        return "has no address"
    if re.match(r"\w+://[^/@]*:[^/@]+@", address):
        return "has credentials in its address"
    if re.match(r"ssh://|[\w.-]+@[\w.-]+:", address):
        return None if ssh else "is fetched by ssh, for which everybody needs a key"
    if re.match(r"(git|http)://", address):
        return "is fetched without encryption"
    if re.match(r"file://|/|~|[A-Za-z]:\\", address):
        return "is on one machine only"
    return (
        None
        if re.match(r"https://|\.\.?/", address)
        else f"has an address that git does not fetch from everywhere: {address[:60]}"
    )
