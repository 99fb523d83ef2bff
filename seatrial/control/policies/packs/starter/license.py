"""The repository says under which licence it may be used.

Looks for a licence file and recognises the common texts; a name in a manifest alone is not enough.
"""

import re

NAME = "Licence"

# The earliest in the text wins: a licence names itself first, and others further down.
TEXTS = [
    ("MIT", r"permission is hereby granted, free of charge"),
    ("Apache-2.0", r"apache license,? version 2\.0"),
    ("AGPL-3.0", r"gnu affero general public license"),
    ("LGPL-3.0", r"gnu lesser general public license version 3"),
    ("LGPL-2.1", r"gnu lesser general public license version 2\.1"),
    ("LGPL", r"gnu (lesser|library) general public license"),
    ("GPL-3.0", r"gnu general public license version 3"),
    ("GPL-2.0", r"gnu general public license version 2"),
    ("GPL", r"gnu general public license"),
    ("GFDL", r"gnu free documentation license"),
    ("MPL-2.0", r"mozilla public license,? version 2\.0"),
    ("MPL", r"mozilla public license"),
    ("BSD", r"redistribution and use in source and binary forms"),
    ("BSL-1.0", r"boost software license"),
    ("EPL", r"eclipse public license"),
    ("Artistic", r"the \"?artistic license"),
    ("Zlib", r"this software is provided 'as-is', without any express or implied warranty"),
    ("ISC", r"permission to use, copy, modify, and(/or)? distribute this software"),
    ("Unlicense", r"this is free and unencumbered software"),
    ("CC0-1.0", r"creative commons( legal code)? cc0"),
    ("CC", r"creative commons"),
    ("EUPL", r"european union public licen[cs]e"),
]
PROPRIETARY = re.compile(r"all rights reserved|proprietary|confidential")
FILE = re.compile(
    r"LICENSES/.+|(\.github/)?(?!.*\.(py|[jt]sx?|go|rs|rb|java|kt|cs|php|sh|json|ya?ml|toml|xml)$)"
    r"((un)?licen[cs]e([-_.][^/]*)?|[^/]+[-_.](un)?licen[cs]e(\.\w+)?|copying([-_.][^/]*)?)",
    re.IGNORECASE,
)
MANIFESTS = {
    "pyproject.toml": r"^\s*license\s*=",
    "package.json": r'"license"\s*:',
    "Cargo.toml": r"^\s*license\s*=",
    "composer.json": r'"license"\s*:',
}


def evaluate(project):
    files = project.list_files()
    licences = [path for path in files if FILE.fullmatch(path)]
    texts = {path: read(project, path) for path in licences}
    for path, text in texts.items():
        name = named(text or "")
        if name:
            return verdict(100, f"{path}: {name}.", {"file": path, "licence": name})
    if licences:
        empty = texts[licences[0]] == ""
        why = "is empty" if empty else "holds no licence text that this policy knows"
        return verdict(0 if empty else 80, f"{licences[0]} {why}.", {"file": licences[0]})
    for manifest, pattern in MANIFESTS.items():
        line = find_line(read(project, manifest) if manifest in files else None, pattern)
        if line:
            return verdict(
                50, f"{manifest}:{line} names a licence, but its text is missing. Add a LICENSE file."
            )
    return verdict(0, "No licence file. Without one, nobody else may use this. Add a LICENSE file.")


def read(project, path):
    """The text without spaces around it; None of what holds no text: a PDF, say."""
    try:
        return (project.get_file_content(path) or "").strip()
    except ValueError:
        return None


def named(text):
    text = re.sub(r"\s+", " ", text).lower()
    matches = ((name, re.search(pattern, text)) for name, pattern in TEXTS)
    found = [(match.start(), name) for name, match in matches if match]
    if found:
        return min(found, key=lambda pair: pair[0])[1]
    return "proprietary" if PROPRIETARY.search(text) else None


def find_line(text, pattern):
    for number, line in enumerate((text or "").splitlines(), 1):
        if re.search(pattern, line):
            return number
    return None


def verdict(score, message, details=None):
    return {"passed": score >= 80, "score": score, "message": message, "details": details or {}}
