"""The README answers what people ask first.

Looks for sections by the words of their headings, each with something below it. Parameter `sections`: what must be there; each entry is
a list of words of which one is enough.
"""

import re

NAME = "README sections"
PARAMS = {
    "sections": [
        ["install", "setup", "getting started", "quick start", "quickstart", "start", "requirements"],
        ["usage", "use", "using", "example", "run", "how to", "develop", "guide", "documentation"],
    ]
}
TESTS = [
    {"name": "all", "input": {"files": {"README.md": "# Ship\n\n## Installation\n\nx\n\n## Usage\n\ny\n\n## License\n\nMIT\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "one is missing", "input": {"files": {"README.md": "# Ship\n\n## Install\n\nx\n\n## License\n\nMIT\n"}}, "expected": {"passed": False, "score": 50, "message": {"contains": "usage"}}},
    {"name": "an empty one", "input": {"files": {"README.md": "# Ship\n\n## Install\n\n## Usage\n\nx\n\n## License\n\nMIT\n"}}, "expected": {"passed": False, "findings": [{"path": "README.md", "line": 3}]}},
    {"name": "reStructuredText", "input": {"files": {"README.rst": "Install\n-------\n\nx\n\nUsage\n-----\n\ny\n\nLicense\n-------\n\nMIT\n"}}, "expected": {"passed": True}},
    {"name": "in a block of code", "input": {"files": {"README.md": "# Install\n\n```\n# Usage\n# License\n```\n"}}, "expected": {"passed": False, "score": 50}},
    {"name": "no README", "input": {"files": {"a": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "others are wanted", "input": {"files": {"README.md": "# Ship\n\n## Support\n\nx\n"}}, "params": {"sections": [["support"]]}, "expected": {"passed": True}},
]  # fmt: skip

README = re.compile(r"readme(\.(md|markdown|rst|txt|adoc|asciidoc|org))?", re.IGNORECASE)


def evaluate(project, params):
    path = min(
        project.files.matching(README, whole=True),
        key=lambda one: (not one.lower().endswith(".md"), one),
        default=None,
    )
    if path is None:
        return verdict(0, "No README at the root.", [("", None, "no README")])
    try:
        headings = sections(project.get_file_content(path) or "")
    except ValueError as unreadable:
        return verdict(0, f"{unreadable}: it was not read.", [(path, None, "not read")])
    found, problems = [], []
    for words in params["sections"]:
        match = next(
            (
                (line, filled)
                for line, title, filled in headings
                if any(re.search(rf"\b{re.escape(word)}", title, re.IGNORECASE) for word in words)
            ),
            None,
        )
        if match is None:
            problems.append((path, None, f"no section about {words[0]}"))
        elif not match[1]:
            problems.append((path, match[0], f"nothing below the section about {words[0]}"))
        else:
            found.append(f"{words[0]} (line {match[0]})")
    score = round(100 * len(found) / len(params["sections"])) if params["sections"] else 100
    if problems:
        return verdict(score, f"{path}: " + "; ".join(text for _, _, text in problems) + ".", problems)
    return verdict(100, f"{path}: {', '.join(found)}.", [])


def sections(text):
    """(line, title, whether something is below) of each heading."""
    lines, headings, fence = text.split("\n"), [], None
    for number, line in enumerate(lines):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark:
            fence = None if fence and mark[1].startswith(fence) else fence or mark[1]
        title = re.match(r"(?:#{1,6}|={1,6})\s+(\S.*)|<h\d[^>]*>(.*)", line)
        under = (
            number + 1 < len(lines)
            and line.strip()
            and re.fullmatch(r"([=~^\"'#*+-])\1{2,}\s*", lines[number + 1])
        )
        if not fence and (title or under):
            level = len(re.match(r"[#=]*", line)[0]) if title else 2
            headings.append((number, level, (title and (title[1] or title[2])) or line))
    ends = [number for number, _, _ in headings[1:]] + [len(lines)]
    found = []
    for index, ((number, level, title), end) in enumerate(zip(headings, ends, strict=True)):
        body = [
            one
            for one in lines[number + 1 : end]
            if one.strip() and not re.fullmatch(r"([=~^\"'#*+-])\1{2,}\s*", one)
        ]
        deeper = index + 1 < len(headings) and headings[index + 1][1] > level
        found.append((number + 1, title, bool(body) or deeper))
    return found


def verdict(score, message, problems):
    found = [
        {"path": path, "line": line, "message": text, "severity": "low"} for path, line, text in problems
    ]
    return {"passed": score == 100, "score": score, "message": message, "findings": found}
