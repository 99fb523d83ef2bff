"""The repository says under which licence it may be used.

Looks for a licence's text (LICENSE, COPYING, COPYRIGHT, the folder LICENSES of REUSE, an SPDX identifier in such a file) and
recognises the common ones; a name in a manifest, a README or a file's header alone is not enough. Parameter `allow`: the only
identifiers that pass, such as ["MIT", "Apache-2.0"]; empty, all do.
"""

import re
from functools import cache
from posixpath import basename, splitext

NAME = "Licence"
PARAMS = {"allow": []}
TESTS = [
    {"name": "MIT", "input": {"files": {"LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "LICENSE:3 is MIT"}}},
    {"name": "limits use", "input": {"files": {"LICENSE": "Change License: Apache License, Version 2.0\n\nBusiness Source License 1.1\n"}}, "expected": {"passed": True, "message": {"contains": "no open-source licence"}}},
    {"name": "only these", "input": {"files": {"COPYING": "GNU GENERAL PUBLIC LICENSE\nVersion 3\n"}}, "params": {"allow": ["MIT"]}, "expected": {"passed": False, "findings": [{"path": "COPYING", "line": 1}]}},
    {"name": "only a name", "input": {"files": {"package.json": "{\"license\": \"MIT\"}"}}, "expected": {"passed": False, "score": 50}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

# Terms that limit use. They name the licence that they turn into, or that they limit, often before themselves.
LIMITED = [
    ("BUSL-1.1", r"business source license"),
    ("SSPL-1.0", r"server side public license"),
    ("Elastic-2.0", r"elastic license 2\.0"),
    ("Commons Clause", r"commons clause"),
    ("FSL", r"functional source license"),
    ("PolyForm", r"polyform \w+ license"),
    ("Confluent-Community", r"confluent community license"),
    ("RSAL", r"redis source available license"),
]
# The earliest in the text wins: a licence names itself first, and others further down.
TEXTS = [
    ("MIT-0", r"\bmit no attribution"),
    ("MIT", r"permission is hereby granted, free of charge"),
    ("Apache-2.0", r"apache license,? version 2\.0|licensed under the apache license, version 2\.0"),
    ("AGPL-3.0", r"gnu affero general public license"),
    ("LGPL-3.0", r"gnu lesser general public license,? version 3"),
    ("LGPL-2.1", r"gnu lesser general public license,? version 2\.1"),
    ("LGPL", r"gnu (?:lesser|library) general public license"),
    ("GPL-3.0", r"gnu general public license,? version 3"),
    ("GPL-2.0", r"gnu general public license,? version 2"),
    ("GPL", r"gnu general public license"),
    ("GFDL", r"gnu free documentation license"),
    ("MPL-2.0", r"mozilla public license,? (?:version |v\. ?)2\.0"),
    ("MPL", r"mozilla public license"),
    ("BSD", r"redistribution and use in source and binary forms"),
    ("BSL-1.0", r"boost software license"),
    ("EPL-2.0", r"eclipse public license -? ?v(?:ersion)? ?2\.0"),
    ("EPL", r"eclipse public license"),
    ("CDDL", r"common development and distribution license"),
    ("Artistic", r"the \"?artistic license"),
    ("Zlib", r"this software is provided 'as-is', without any express or implied warranty"),
    ("curl", r"copyright and permission notice"),
    (
        "PostgreSQL",
        r"permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and without a written agreement",
    ),
    (
        "HPND",
        r"permission to use, copy, modify,? and distribute this software and its documentation for any purpose",
    ),
    (
        "ISC",
        r"permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without fee is hereby granted, provided",
    ),
    (
        "0BSD",
        r"permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without fee is hereby granted\.",
    ),
    ("NCSA", r"university of illinois/ncsa open source license"),
    ("PSF-2.0", r"python software foundation license version 2"),
    ("MS-PL", r"microsoft public license"),
    ("MulanPSL-2.0", r"mulan (?:psl|permissive software license).{0,4} ?v(?:ersion)? ?2"),
    ("OFL-1.1", r"sil open font license"),
    ("ODbL-1.0", r"open database license"),
    ("WTFPL", r"do what the fuck you want to public license"),
    ("Unlicense", r"this is free and unencumbered software"),
    ("CC0-1.0", r"creative commons(?: legal code)? cc0|cc0 1\.0 universal"),
    ("CC-BY-SA-4.0", r"attribution-sharealike 4\.0 international"),
    ("CC-BY-4.0", r"attribution 4\.0 international"),
    ("CC", r"creative commons"),
    ("EUPL-1.2", r"european union public licen[cs]e v\. ?1\.2"),
    ("EUPL", r"european union public licen[cs]e"),
]
BETWEEN = r"[\s*#/>;]+"  # words of a licence
SEVERAL = re.compile(
    r"\b(dual|tri|triple|multi)[- ]?licens|at\s+your\s+(choice|option)|your\s+choice\s+of", re.I
)
BEGINNING = 6000  # characters in which terms that limit use say what they are
BSD = [
    ("BSD-4-Clause", r"advertising\s+materials"),
    ("BSD-3-Clause", r"neither\s+the\s+names?|may\s+not\s+be\s+used\s+to\s+endorse|endorse\s+or\s+promote"),
    ("BSD-2-Clause", r"in\s+no\s+event"),
]
SPDX = re.compile(r"SPDX-License-Identifier:\s*([\w.+() -]+?)\s*(?:\*/|-->|$)", re.M)
PROPRIETARY = re.compile(r"all\s+rights\s+reserved|proprietary|confidential", re.I)
CODE = r"(?!.*\.(py|[jt]sx?|go|rs|rb|java|kt|cs|php|sh|json|ya?ml|toml|xml)$)"
FILE = re.compile(
    rf"LICENSES/.+|(\.github/)?{CODE}"
    r"((un)?licen[cs]e([-_.][^/]*)?|[^/]+[-_.](un)?licen[cs]e(\.\w+)?|copying([-_.][^/]*)?)",
    re.IGNORECASE,
)
PERHAPS = re.compile(
    rf"{CODE}(copyright|copyrights|notice|legal)([-_.][^/]*)?", re.IGNORECASE
)  # often hold no licence
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
CODE_FILE = re.compile(r"\.(py|[jt]s|c|h|cpp|go|rs|java|sh)$")
HEADERS = (
    50  # files of code whose first lines are searched for an SPDX identifier: where they have one, most do
)


def evaluate(project, params):
    files = project.list_files()
    licences = [path for path in files if FILE.fullmatch(path)]
    texts = {path: read(project, path) for path in licences + [p for p in files if PERHAPS.fullmatch(p)]}
    known = [(path, *found) for path, text in texts.items() if text and (found := named(path, text))]
    if known:
        return judged(known, params["allow"])
    if licences:
        empty = texts[licences[0]] == ""
        why = "is empty" if empty else "holds no licence text that this policy knows"
        score = 0 if empty or params["allow"] else 80
        return verdict(score, f"{licences[0]} {why}.", licences[0])
    place = mentioned(project, files)
    if place:
        message = f"{place[0]}:{place[1]} names a licence, but its text is missing. Add a LICENSE file."
        return verdict(50, message, place[0], place[1])
    nothing = (
        f"No licence file among {len(files)} files." if files else "No licence file: there is no file at all."
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


def read(project, path):
    """The text without spaces around it; None of what holds no text: a PDF, say."""
    try:
        return (project.get_file_content(path) or "").strip()
    except ValueError:
        return None


def named(path, text):
    """(identifier, line, whether it limits use); None if the text is not known."""
    for name, pattern in LIMITED:
        match = compiled(pattern, r"\s+").search(text, 0, BEGINNING)
        if match:
            several = SEVERAL.search(text, 0, BEGINNING)
            return f"{name}, among others" if several else name, line_of(text, match.start()), not several
    found = [(match.start(), name) for name, p in TEXTS if (match := compiled(p, BETWEEN).search(text))]
    identifier = SPDX.search(text)
    if found:
        offset, name = min(found, key=lambda pair: pair[0])
        return variant(name, text), line_of(text, offset), False
    if identifier:
        return identifier[1].strip(), line_of(text, identifier.start()), False
    if path.startswith("LICENSES/") and len(text) > 100:  # REUSE: the file's name is the identifier
        return splitext(basename(path))[0], 1, False
    match = PROPRIETARY.search(text)
    return ("proprietary", line_of(text, match.start()), False) if match and FILE.fullmatch(path) else None


@cache
def compiled(pattern, between):
    """The expression of a licence's words. Made where there is a text: most of the time of this policy would be these."""
    return re.compile(pattern.replace(" ", between), re.I)


def variant(name, text):
    """The licence of this family that the text is."""
    several = {"BSD": BSD, "MIT": [("JSON", r"shall\s+be\s+used\s+for\s+good,\s+not\s+evil")]}.get(name, [])
    return next((one for one, pattern in several if re.search(pattern, text, re.I)), name)


def mentioned(project, files):
    """(path, line) of the first place that names a licence without its text."""
    for path in files:
        pattern = MANIFESTS.get(path) or (ABOUT if README.fullmatch(path) else None)
        line = find_line(read(project, path), pattern) if pattern else None
        if line:
            return path, line
    code = [path for path in files if CODE_FILE.search(path)][:HEADERS]
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
