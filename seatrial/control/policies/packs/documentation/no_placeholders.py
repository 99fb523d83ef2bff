"""Nothing in the documentation waits to be written.

Looks into pages for what templates leave behind: lorem ipsum, "TODO" and "TBD" of their own, names in capitals such as YOUR_PROJECT_NAME
in a heading, text that a generator of projects wrote. Blocks of code do not count. Parameter `skip`: which paths are not looked at.
"""

import re

NAME = "No placeholders"
PARAMS = {
    "skip": "(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|templates?|\\.github|adr)/|(^|/)(CHANGELOG|CHANGES|HISTORY|NEWS)\\b"
}
TESTS = [
    {"name": "nothing", "input": {"files": {"README.md": "# Ship\n\nIt sails. A to-do list is part of it.\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "lorem ipsum", "input": {"files": {"README.md": "# Ship\n\nLorem ipsum dolor sit amet.\n"}}, "expected": {"passed": False, "findings": [{"path": "README.md", "line": 3}]}},
    {"name": "TODO", "input": {"files": {"docs/a.md": "## Install\n\nTODO\n"}}, "expected": {"passed": False}},
    {"name": "of a generator", "input": {"files": {"README.md": "# Getting Started with Create React App\n"}}, "expected": {"passed": False}},
    {"name": "of a code host", "input": {"files": {"README.md": "## Suggestions for a good README\n\n## Name\nChoose a self-explaining name for your project.\n"}}, "expected": {"passed": False}},
    {"name": "a name to fill in", "input": {"files": {"README.md": "# YOUR_PROJECT_NAME\n"}}, "expected": {"passed": False}},
    {"name": "in code", "input": {"files": {"README.md": "```\nTODO: write\n```\nUse `TODO` to mark work.\n"}}, "expected": {"passed": True}},
]  # fmt: skip

PAGE = re.compile(r"\.(md|markdown|rst|adoc)$", re.IGNORECASE)
CODE = re.compile(r"^ {0,3}(`{3,}|~{3,})(?s:.*?)(?:^ {0,3}\1|\Z)|`[^`\n]*`|<!--(?s:.*?)-->|^\.\. .*$", re.M)
ALONE = r"(?:coming soon|to be written|to be done|fill (?:this )?in later|work in progress)"
PLACEHOLDER = re.compile(
    r"(?i:lorem ipsum dolor)|^\W*(?:TODO|TBD|FIXME)\b\W*(?:\n|\Z)|^\W*(?:TODO|FIXME)\s*:"
    rf"|^\W*(?i:{ALONE})\W*$|^#.*\b(?:YOUR|MY)[_ -](?:PROJECT|APP|PACKAGE|REPO)[A-Z_]*\b|(?i:\[insert [^\]]+\])"
    r"|(?i:Getting Started with Create React App|This template provides a minimal setup|This template should help get you started)"
    r"|(?i:bootstrapped with \[?`?create-next-app|^## Suggestions for a good README|Choose a self-explaining name for your project)"
    r"|(?i:Introduction TODO: Give a short introduction|^# project[-_ ](?:name|title)\s*$)",
    re.M,
)


def evaluate(project, params):
    pages = [path for path in project.files.matching(PAGE) if not re.search(params["skip"], path)]
    problems, read = [], 0
    for path, text in project.read_files(pages):
        read += 1
        plain = CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        problems += [
            (path, plain.count("\n", 0, match.start()) + 1, " ".join(match[0].split())[:60])
            for match in PLACEHOLDER.finditer(plain)
        ]
    if not problems:
        return {"passed": True, "score": 100, "message": f"Nothing waits to be written, in {read} pages."}
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return {
        "passed": False,
        "score": max(0, 60 - 10 * (len(problems) - 1)),
        "message": "Still to be written: "
        + ", ".join(f"{path}:{line} ({text})" for path, line, text in problems[:3])
        + f"{more}.",
        "findings": [
            {"path": p, "line": n, "message": f"a placeholder: {text}", "severity": "low"}
            for p, n, text in problems[:200]
        ],
    }
