"""People can read what changed.

Looks for a changelog with at least one entry under a version, a date or "Unreleased". Without any changelog it passes,
saying so; one that cannot be followed fails.
"""

import re

NAME = "Changelog"

FILE = re.compile(
    r"^(docs?/)?(changelog|changes|history|news|releases|releases?[-_]?notes?)(\.\w+)?$", re.IGNORECASE
)
FOLDER = re.compile(
    r"^(\.changeset|changelog\.d|changelogs?|newsfragments|releasenotes/notes)/[^/]+", re.IGNORECASE
)
HEADING = re.compile(
    r"^\W{0,6}(unreleased|(version |release )?v?\d+\.\d+|(version |release |v)\d+\b|\d{4}-\d\d-\d\d|.*\(\d{4}-\d\d-\d\d\))",
    re.IGNORECASE,
)


def evaluate(project):
    files = project.list_files()
    found = sorted((path for path in files if FILE.match(path)), key=lambda path: (path.count("/"), path))
    if not found:
        fragments = [path for path in files if FOLDER.match(path)]
        if fragments:
            return verdict(100, f"Change notes: {len(fragments)}, such as {fragments[0]}.")
        return verdict(
            70,
            "No changelog: it would help to add a CHANGELOG.md with what users of the next version will notice.",
        )
    path = found[0]
    try:
        lines = (project.get_file_content(path) or "").splitlines()
    except ValueError as too_long:
        return verdict(100, f"{too_long}: the file is there, but is too long to read.")
    headings = [number for number, line in enumerate(lines, 1) if HEADING.match(line)]
    if not headings:
        return verdict(50, f"{path} names no version, no date and nothing unreleased: it cannot be followed.")
    entries = sum(1 for line in lines[headings[0] :] if line.strip())
    if not entries:
        return verdict(50, f"{path}:{headings[0]} begins a version, and says nothing about it.")
    details = {"file": path, "versions": len(headings)}
    return verdict(100, f"{path}: versions: {len(headings)}, the newest at line {headings[0]}.", details)


def verdict(score, message, details=None):
    return {"passed": score >= 70, "score": score, "message": message, "details": details or {}}
