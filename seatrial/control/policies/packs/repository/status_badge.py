"""The README shows how the project is doing.

Looks for a badge in the README: an image of a build, of checks, of coverage or of a score. Images without an address of http or https
count as well, because they work where there is no internet. Parameter `hosts`: the only hosts whose badges count, such as
["seatrial.harbour.example"]; empty, all do.
"""

import re
from urllib.parse import urlsplit

NAME = "Status badge"
PARAMS = {"hosts": []}
TESTS = [
    {"name": "a badge", "input": {"files": {"README.md": "# Ship\n\n![checks](https://seatrial.harbour.example/badges/a.svg)\n"}},
     "expected": {"passed": True, "score": 100, "message": {"contains": "README.md:3"}}},
    {"name": "in HTML", "input": {"files": {"README.md": "<img src='https://ci.test/a/badge.svg'>"}}, "expected": {"passed": True}},
    {"name": "in reStructuredText", "input": {"files": {"README.rst": ".. image:: https://ci.test/badge/a\n"}}, "expected": {"passed": True}},
    {"name": "of another host", "input": {"files": {"README.md": "![b](https://img.shields.io/badge/a-b-c)"}}, "params": {"hosts": ["seatrial.test"]},
     "expected": {"passed": False, "score": 50}},
    {"name": "a picture is no badge", "input": {"files": {"README.md": "![logo](docs/logo.png)"}}, "expected": {"passed": False, "score": 50}},
    {"name": "no README", "input": {"files": {"a": ""}}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

README = re.compile(r"readme(\.\w+)?", re.IGNORECASE)
IMAGE = re.compile(
    r"!\[[^\]]*\]\(\s*<?([^)\s>]+)|<img[^>]+src\s*=\s*[\"']?([^\"'\s>]+)|image::?\s*(\S+)", re.IGNORECASE
)
REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*<?(\S+?)>?(\s|$)", re.M)
BADGE = re.compile(
    r"badge|shields\.io|status\.svg|coverage|/(pipeline|build|checks?)\b[^/]*\.(svg|png)", re.IGNORECASE
)


def evaluate(project, params):
    path = min(project.files.matching(README, whole=True), default=None)
    if path is None:
        return verdict(0, "No README that could show a badge.", "")
    try:
        text = project.get_file_content(path) or ""
    except ValueError as unreadable:
        return verdict(0, f"{unreadable}: it was not read.", path)
    others = []
    for match in [*IMAGE.finditer(text), *REFERENCE.finditer(text)]:
        address = next(group for group in match.groups() if group)
        if BADGE.search(address):
            line = text.count("\n", 0, match.start()) + 1
            if not params["hosts"] or urlsplit(address).hostname in params["hosts"]:
                return verdict(100, f"{path}:{line} shows {address[:120]}.", path)
            others.append(address)
    why = (
        f"shows {others[0][:120]}, which is not of {', '.join(params['hosts'])}"
        if others
        else "shows no badge"
    )
    return verdict(50, f"{path} {why}.", path)


def verdict(score, message, path):
    found = [] if score == 100 else [{"path": path, "message": message, "severity": "info"}]
    return {"passed": score == 100, "score": score, "message": message, "findings": found}
