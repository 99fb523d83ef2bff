"""The repository says under which licence it may be used.

Looks for a licence's text (LICENSE, COPYING, COPYRIGHT, the folder LICENSES of REUSE, an SPDX identifier in such a file) and
recognises those of the SPDX list; a name in a manifest, a README or a file's header alone is not enough. Parameter `allow`: the only
identifiers that pass, such as ["MIT", "Apache-2.0"]; empty, all do.
"""

import re
from posixpath import basename

NAME = "Licence"
PARAMS = {"allow": []}
TESTS = [
    {"name": "MIT", "input": {"files": {"LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "LICENSE:3 is MIT"}}},
    {"name": "limits use", "input": {"files": {"LICENSE": "Change License: Apache License, Version 2.0\n\nBusiness Source License 1.1\n"}}, "expected": {"passed": True, "message": {"contains": "no open-source licence"}}},
    {"name": "only these", "input": {"files": {"COPYING": "GNU GENERAL PUBLIC LICENSE\nVersion 3\n"}}, "params": {"allow": ["MIT"]}, "expected": {"passed": False, "findings": [{"path": "COPYING", "line": 1}]}},
    {"name": "only a name", "input": {"files": {"package.json": "{\"license\": \"MIT\"}"}}, "expected": {"passed": False, "score": 50}},
    {"name": "a word", "input": {"files": {"LICENSE": "Apache\n"}}, "expected": {"passed": False, "score": 50}},
    {"name": "a promise", "input": {"files": {"LICENSE": "TODO: add a licence\n"}}, "expected": {"passed": False, "score": 0, "message": {"contains": "still to come"}}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

SPDX = re.compile(r"SPDX-License-Identifier:\s*([\w.+() -]+?)\s*(?:\*/|-->|$)", re.M)
MOSTLY_NONE = re.compile(r"(copyrights?|notice|legal)\b", re.IGNORECASE)  # files that often hold no licence
MANIFESTS = {
    "pyproject.toml": r"^\s*license\s*=",
    "package.json": r'"license"\s*:',
    "Cargo.toml": r"^\s*license\s*=",
    "composer.json": r'"license"\s*:',
    "setup.cfg": r"^license\s*=",
    "setup.py": r"\blicense\s*=",
}
README = re.compile(r"readme(\.\w+)?", re.IGNORECASE)
ABOUT = r"^\W{0,4}licen[cs](e|ing)\b"
# Words of a note that a licence is still to come, and how many words such a note has at most.
PROMISE = re.compile(
    r"\b(to ?do|tb[ad]|fixme|coming soon|placeholder|not yet|to be (added|decided|determined|chosen|defined|announced)"
    r"|(add|choose|pick|insert|put) (a|the|your|our)\b.{0,20}\blicen[cs]e)\b",
    re.I | re.S,
)
OF_A_PROMISE = 30
OF_A_NAME = 3  # words, at most: who writes no more means a licence that is elsewhere
HEADERS = 200  # files of code whose first lines are searched for an SPDX identifier


def evaluate(project, params):
    fact = project.fact("licences")
    at_top = [one for one in fact["licences"] if own(one["path"])]
    known = [
        (one["path"], licence["id"], licence["line"], licence["limits_use"])
        for one in at_top
        for licence in one["licences"][:1]
    ]
    if known:
        return judged(known, params["allow"])
    named = [path for path in (*fact["left_out"], *(one["path"] for one in at_top)) if own(path)]
    licences = [path for path in named if not MOSTLY_NONE.match(basename(path))]
    if licences:
        score, why = unknown(project, licences[0])
        return verdict(0 if params["allow"] else score, f"{licences[0]} {why}.", licences[0])
    place = mentioned(project)
    if place:
        message = f"{place[0]}:{place[1]} names a licence, but its text is missing. Add a LICENSE file."
        return verdict(50, message, place[0], place[1])
    nothing = (
        f"No licence file among {count} files."
        if (count := len(project.files))
        else "No licence file: there is no file at all."
    )
    return verdict(0, f"{nothing} Without one, nobody else may use this. Add a LICENSE file.")


def judged(known, allow):
    path, name, line, limited = known[0]
    details = {"licences": [{"path": p, "licence": n, "line": at} for p, n, at, _ in known[:100]]}
    wrong = [one for one in known if allow and one[1] not in allow]
    if wrong:
        path, name, line, _ = wrong[0]
        return verdict(0, f"{path}:{line} is {name}; allowed are {', '.join(allow)}.", path, line, details)
    more = f", and {len(known) - 1} more" if len(known) > 1 else ""
    note = " It limits use: it is no open-source licence." if limited else ""
    return {
        "passed": True,
        "score": 100,
        "message": f"{path}:{line} is {name}{more}.{note}",
        "details": details,
    }


def unknown(project, path):
    """(score, why) of a file for a licence in which none is recognised."""
    text = text_of(project, path)
    if project.files.sizes_of([path]) == {path: 0} or (text is not None and not text.strip()):
        return 0, "is empty"
    words = len((text or "").split())
    if text and words <= OF_A_PROMISE and PROMISE.search(text):
        return 0, "says that a licence is still to come"
    if text and words <= OF_A_NAME:
        return 50, "has no text but a name"
    return 80, "holds no licence text that this policy knows"


def own(path):
    """Whether a licence there is the repository's, and not that of something in it."""
    return "/" not in path.removeprefix("LICENSES/").removeprefix(".github/")


def text_of(project, path):
    """The text; None of what holds no text: a PDF, say."""
    try:
        return project.get_file_content(path)
    except ValueError:
        return None


def mentioned(project):
    """(path, line) of the first place that names a licence without its text."""
    named = "|".join([*map(re.escape, MANIFESTS), f"(?i:{README.pattern})"])
    for path in project.files.matching(named, whole=True):
        pattern = MANIFESTS.get(path) or (ABOUT if README.fullmatch(path) else None)
        line = find_line(text_of(project, path), pattern) if pattern else None
        if line:
            return path, line
    code = project.files.matching(r"\.(py|[jt]s|c|h|cpp|go|rs|java|sh)$", most=HEADERS)
    for path, text in project.read_files(code):
        match = SPDX.search(text, 0, 1000)
        if match:
            return path, line_of(text, match.start())
    return None


def find_line(text, pattern):
    for number, line in enumerate((text or "").split("\n"), 1):
        if re.search(pattern, line, re.IGNORECASE):
            return number
    return None


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def verdict(score, message, path="", line=None, details=None):
    passed = score >= 80
    found = [] if passed else [{"path": path, "line": line, "message": message, "severity": "medium"}]
    return {"passed": passed, "score": score, "message": message, "findings": found, "details": details or {}}
