"""The README says what this is and how to use it.

Looks for a README at the root with a heading and enough words for a newcomer to begin. Parameter `min_words`.
"""

import re

NAME = "Readable README"
PARAMS = {"min_words": 40}
TESTS = [
    {"name": "readable", "input": {"files": {"README.md": "# Ship\n\nIt sails from here to there.\n"}}, "params": {"min_words": 5}, "expected": {"passed": True, "score": 100}},
    {"name": "short", "input": {"files": {"README.md": "# Ship\n"}}, "expected": {"passed": False, "score": 40}},
    {"name": "missing", "input": {"files": {"docs/README.md": "# Ship\n"}}, "expected": {"passed": False, "score": 0}},
    {"name": "no heading", "input": {"files": {"README": "It sails from here to there.\n"}}, "params": {"min_words": 5}, "expected": {"passed": True, "score": 70}},
]  # fmt: skip

CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces: a character is a word
WORD = re.compile(f"[{CJK}]|[^\\s{CJK}]+")


def evaluate(project, params):
    path = find(project)
    if path is None:
        return verdict(0, "No README at the root. Add a README.md that says what this is and how to run it.")
    try:
        text = project.get_file_content(path) or ""
    except ValueError as unreadable:
        return verdict(70, f"{unreadable}. The file is there, but was not read.")
    words = len(WORD.findall(text))
    headings = [n for n, line in enumerate(text.split("\n"), 1) if is_heading(line, path)]
    details = {"file": path, "words": words, "headings": len(headings)}
    if not words:
        return verdict(0, f"{path} is empty.", details)
    if words < params["min_words"]:
        return verdict(
            40, f"{path} has {words} words; {params['min_words']} or more would help a newcomer.", details
        )
    if not headings:
        return verdict(70, f"{path} has {words} words, but no heading.", details)
    return verdict(
        100, f"{path}: {words} words, headings: {len(headings)}. The first is at line {headings[0]}.", details
    )


def find(project):
    readmes = project.files.matching(
        r"(?i)readme(\.(md|markdown|rst|txt|adoc|asciidoc|org|rdoc))?", whole=True
    )
    return min(readmes, key=lambda path: (not path.lower().endswith(".md"), path), default=None)


def is_heading(line, path):
    if path.lower().endswith((".md", ".markdown")):
        return re.match(r"#|\s*<h[1-6]\b", line) or (len(line) > 2 and set(line.strip()) in ({"="}, {"-"}))
    if re.match(r"(=+|\*+) \S", line):  # AsciiDoc, RDoc, Org
        return True
    return len(line) > 2 and len(set(line.strip())) == 1 and line.strip()[0] in "=-~#*^"


def verdict(score, message, details=None):
    return {"passed": score >= 70, "score": score, "message": message, "details": details or {}}
