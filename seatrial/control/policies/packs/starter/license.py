"""The repository says under which licence it may be used.

Looks for a licence file and recognises the common texts; a name in a manifest alone is not enough.
"""

import re

NAME = "Licence"

TEXTS = [
    ("MIT", r"permission is hereby granted, free of charge"),
    ("Apache-2.0", r"apache license\s+version 2\.0"),
    ("AGPL-3.0", r"gnu affero general public license"),
    ("LGPL", r"gnu lesser general public license"),
    ("GPL", r"gnu general public license"),
    ("MPL-2.0", r"mozilla public license,? version 2\.0"),
    ("BSD", r"redistribution and use in source and binary forms"),
    ("ISC", r"permission to use, copy, modify, and(/or)? distribute this software"),
    ("Unlicense", r"this is free and unencumbered software"),
    ("CC", r"creative commons"),
    ("EUPL", r"european union public licen[cs]e"),
    ("proprietary", r"all rights reserved|proprietary|confidential"),
]
FILE = re.compile(r"^(LICENSES/.+|(\.github/)?(un)?licen[cs]e([-.].*)?|copying([-.].*)?)$", re.IGNORECASE)
MANIFESTS = {
    "pyproject.toml": r"^\s*license\s*=",
    "package.json": r'"license"\s*:',
    "Cargo.toml": r"^\s*license\s*=",
    "composer.json": r'"license"\s*:',
}


def evaluate(project):
    files = project.list_files()
    licences = [path for path in files if FILE.match(path)]
    for path in licences:
        text = re.sub(r"\s+", " ", project.get_file_content(path) or "").lower()
        for name, pattern in TEXTS:
            if re.search(pattern.replace(r"\s+", " "), text):
                return verdict(100, f"{path}: {name}.", {"file": path, "licence": name})
    if licences:
        empty = not (project.get_file_content(licences[0]) or "").strip()
        why = "is empty" if empty else "holds no licence text that this policy knows"
        return verdict(0 if empty else 80, f"{licences[0]} {why}.", {"file": licences[0]})
    for manifest, pattern in MANIFESTS.items():
        line = find_line(project.get_file_content(manifest) if manifest in files else None, pattern)
        if line:
            return verdict(
                50, f"{manifest}:{line} names a licence, but its text is missing. Add a LICENSE file."
            )
    return verdict(0, "No licence file. Without one, nobody else may use this. Add a LICENSE file.")


def find_line(text, pattern):
    for number, line in enumerate((text or "").splitlines(), 1):
        if re.search(pattern, line):
            return number
    return None


def verdict(score, message, details=None):
    return {"passed": score >= 80, "score": score, "message": message, "details": details or {}}
