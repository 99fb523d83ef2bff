"""Who cannot see a picture is told what it shows.

Each picture in Markdown has a text in its place; one in HTML too, unless `alt=""` says that it is only decoration. Badges count alike. Parameter `skip`: which
paths are not looked at.
"""

import re

NAME = "Described pictures"
PARAMS = {"skip": "(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?)/"}
TESTS = [
    {"name": "described", "input": {"files": {"README.md": "![the harbour at night](a.png) <img src='b.png' alt='a boat'>\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "not described", "input": {"files": {"README.md": "one\n\n![](a.png)\n"}}, "expected": {"passed": False, "findings": [{"path": "README.md", "line": 3}]}},
    {"name": "in HTML", "input": {"files": {"README.md": "<img\n  src=a.png>\n"}}, "expected": {"passed": False, "findings": 1}},
    {"name": "decoration", "input": {"files": {"README.md": "<img src='line.png' alt=''>\n"}}, "expected": {"passed": True}},
    {"name": "only a name of a file", "input": {"files": {"README.md": "![image.png](image.png)\n"}}, "expected": {"passed": False}},
    {"name": "in code", "input": {"files": {"README.md": "```\n![](a.png)\n```\n`![](b.png)`\n"}}, "expected": {"passed": True}},
]  # fmt: skip

PAGE = re.compile(r"\.(md|markdown)$", re.IGNORECASE)
CODE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)|`[^`\n]*`|<!--.*?-->", re.M | re.DOTALL)
PICTURE = re.compile(r"!\[([^\]\n]*)\](?:\(|\[)")
HTML = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
EMPTY = re.compile(
    r"\s*|(image|img|screenshot|picture|photo|alt text|alt)?[\s\d_-]*(\.\w{3,4})?|[\w-]+\.(png|jpe?g|gif|svg|webp)",
    re.IGNORECASE,
)


def evaluate(project, params):
    pages = [path for path in project.files.matching(PAGE) if not re.search(params["skip"], path)]
    problems, counted = [], 0
    for path, text in project.read_files(pages):
        plain = CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        found = [(match.start(), not EMPTY.fullmatch(match[1])) for match in PICTURE.finditer(plain)]
        found += [
            (
                match.start(),
                bool(
                    re.search(r"\balt\s*=|aria-hidden|role\s*=\s*[\"']presentation", match[0], re.IGNORECASE)
                ),
            )
            for match in HTML.finditer(plain)
        ]
        counted += len(found)
        problems += [
            (path, plain.count("\n", 0, start) + 1) for start, described in sorted(found) if not described
        ]
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"All {counted} pictures of {len(pages)} pages are described.",
        }
    more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
    return {
        "passed": False,
        "score": round(90 * (counted - len(problems)) / counted),
        "message": "Without a text in their place: "
        + ", ".join(f"{path}:{line}" for path, line in problems[:5])
        + f"{more}.",
        "findings": [
            {"path": p, "line": n, "message": "a picture without a text in its place", "severity": "low"}
            for p, n in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }
