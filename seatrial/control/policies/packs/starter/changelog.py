"""People can read what changed.

Looks for a changelog with at least one entry under a version, a date or "Unreleased", in whatever form: Markdown, reStructuredText,
AsciiDoc, plain lines such as "Changes with ship 1.2". Without any changelog it passes, saying so; one that cannot be followed
fails.
"""

import re

NAME = "Changelog"
TESTS = [
    {"name": "a version", "input": {"files": {"CHANGELOG.md": "# Changelog\n\n## 1.0.0\n\n- First.\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "at line 3"}}},
    {"name": "in other words", "input": {"files": {"CHANGES": "CHANGES FROM 3.7 TO 3.8\n\n* Panes float.\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True, "score": 70}},
    {"name": "nothing to follow", "input": {"files": {"CHANGELOG.md": "# Changelog\n"}}, "expected": {"passed": False, "findings": [{"path": "CHANGELOG.md"}]}},
]  # fmt: skip

NAMES = r"changelog|changes|history|news|whatsnew|(\d+[-_])?releases?([-_]?notes?)?"
FILE = re.compile(rf"^(docs?/)?({NAMES})([-_.][\w.-]+)?$", re.IGNORECASE)
DEEPER = re.compile(
    rf"^(?!.*(^|/)(node_modules|vendor|third_party|tests?)/).+/({NAMES})(\.(md|rst|txt|adoc))?$",
    re.IGNORECASE,
)
NEAR = rf"(?i)(^|/)(?:{NAMES})([-_.][\w.-]+)?$|^(\.changeset|changelog\.d|changelogs?|newsfragments|releasenotes/notes|changes)/"
NO_TEXT = re.compile(
    r"\.(py|[jt]sx?|go|rs|rb|java|sh|ya?ml|json|toml|html?|css|png|svg|lock)$", re.IGNORECASE
)
FOLDER = re.compile(
    r"^(\.changeset|changelog\.d|changelogs?|newsfragments|releasenotes/notes|changes)/(?!README|config)[^/.][^/]*",
    re.IGNORECASE,
)
VERSION = r"\[?v?\d+(?:\.\d+|\.x)+(?:[-+.]?\w+)*\]?|\[?v\d+\b\]?"
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = rf"\d{{4}}[-/.]\d\d?[-/.]\d\d?|\d\d?\.?\s+{MONTH},?\s+\d{{4}}|{MONTH}\s+(?:\d\d?(?:st|nd|rd|th)?,?\s+)?\d{{4}}"
OPEN = r"\[?(?:unreleased|upcoming|next(?: release| version)?|in development|work in progress|master|main|head|trunk)\]?"
ABOUT = re.compile(rf"({VERSION})|({DATE})|^\W*{OPEN}\W*(changes\W*)?$", re.IGNORECASE)
MARKED = re.compile(r"^(#{1,6}|={1,6}|\*{1,3}|@@|!+|<h[1-6][^>]*>)\s*(?=\S)")
UNDERLINE = re.compile(r"^([=~^\"'#*+-])\1{2,}\s*$")
PLAIN = re.compile(  # a line of its own, without any mark
    rf"^(?:changes?\s+(?:from|with|in|between|for|since|to)\b.{{0,60}}?(?:{VERSION})|(?:what'?s\s+new\s+in\s+)?"
    rf"(?:[A-Za-z][\w.+-]*\s+){{0,4}}(?:{VERSION})|(?:version|release)\s+\d+|(?:{DATE})|{OPEN})"
    rf"(?:\s*[-/:,(<\[\u2013\u2014].{{0,80}}|\s+(?:{DATE}|\(?unreleased\)?|released?\b.{{0,40}}|release\s+notes))?\s*:?\s*$",
    re.IGNORECASE,
)
PACKAGE = re.compile(
    r"^[a-z0-9][a-z0-9+.-]+ \(\S+\) .*; urgency=|^\d{4}-\d\d-\d\d\s+\S.*<\S+@\S+>$|^\* (mon|tue|wed|thu|fri|sat|sun)\w* \w+ +\d+ \d{4}",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(r"https?://\S*(releases|changelog|changes|history)\S*", re.IGNORECASE)


def evaluate(project):
    files = [path for path in project.files.matching(NEAR) if not NO_TEXT.search(path)]
    found = sorted((path for path in files if FILE.match(path)), key=lambda path: (path.count("/"), path))
    found = found or sorted(path for path in files if DEEPER.match(path))
    if not found:
        fragments = [path for path in files if FOLDER.match(path)]
        if fragments:
            return verdict(100, f"Change notes: {len(fragments)}, such as {fragments[0]}.")
        return verdict(
            70,
            "No changelog: it would help to add a CHANGELOG.md with what users of the next version will notice.",
        )
    judged = [judge(project, path) for path in found[:20]]
    return max(judged, key=lambda result: result["score"])


def judge(project, path):
    try:
        lines = (project.get_file_content(path) or "").split("\n")
    except ValueError as unreadable:
        return verdict(80, f"{unreadable}: the file is there, but was not read.")
    headings = [number for number in range(len(lines)) if is_heading(lines, number)]
    if not headings:
        for number, line in enumerate(lines, 1):
            if ELSEWHERE.search(line) and len(lines) < 40:
                return verdict(70, f"{path}:{number} points to notes elsewhere, which were not read.")
        message = f"{path} names no version, no date and nothing unreleased: it cannot be followed."
        return verdict(50, message, finding(path, 1, message))
    first = headings[0]
    entries = sum(1 for line in lines[first + 1 :] if line.strip() and not UNDERLINE.match(line))
    if entries - (len(headings) - 1) < 1:
        message = f"{path}:{first + 1} begins a version, and says nothing about it."
        return verdict(50, message, finding(path, first + 1, message))
    details = {"file": path, "versions": len(headings)}
    return verdict(
        100, f"{path}: versions: {len(headings)}, the newest at line {first + 1}.", details=details
    )


def is_heading(lines, number):
    """Whether a version, a date or what is not released begins at this line."""
    line = lines[number].rstrip()
    after = lines[number + 1] if number + 1 < len(lines) else ""
    before = lines[number - 1] if number else ""
    if not line or len(line) > 160:
        return False
    if PACKAGE.match(line):
        return True
    mark = MARKED.match(line)
    if mark or (UNDERLINE.match(after) and len(line) < 100):
        text = re.sub(r"<[^>]+>|[*_`=#]+\s*$", "", line[mark.end() :] if mark else line)
        bullet = line.startswith("* ")  # often an entry of a list, rather than a heading
        if bullet and (before.strip() or not ABOUT.match(text)):
            return False
        return len(text) < 100 and bool(ABOUT.search(text)) and not re.search(r"[.;,]$", text.strip())
    alone = not before.strip() or UNDERLINE.match(before)
    return bool(alone and not line.endswith((".", ",")) and PLAIN.match(line))


def finding(path, line, message):
    return [{"path": path, "line": line, "message": message, "severity": "low"}]


def verdict(score, message, findings=None, details=None):
    return {
        "passed": score >= 70, "score": score, "message": message, "findings": findings or [], "details": details or {},
    }  # fmt: skip
