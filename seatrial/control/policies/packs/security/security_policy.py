"""Whoever finds a vulnerability knows how to report it.

Looks for SECURITY (root, .github, .gitlab, docs) or security.txt, and into it for a way that is not public: an address, a page, the code
host's private reports.
"""

import re

NAME = "Security policy"
TESTS = [
    {"name": "an address", "input": {"files": {"SECURITY.md": "# Security\n\nWrite to security@harbour.example.\n"}},
     "expected": {"passed": True, "score": 100, "message": {"contains": "SECURITY.md:3"}}},
    {"name": "private reports", "input": {"files": {".github/SECURITY.md": "Use private vulnerability reporting.\n"}}, "expected": {"passed": True}},
    {"name": "security.txt", "input": {"files": {".well-known/security.txt": "Contact: mailto:a@b.example\n"}}, "expected": {"passed": True}},
    {"name": "no way to report", "input": {"files": {"SECURITY.md": "We take security seriously.\n"}}, "expected": {"passed": False, "score": 40}},
    {"name": "only public issues", "input": {"files": {"SECURITY.md": "Open an issue at https://github.com/a/b/issues.\n"}}, "expected": {"passed": False, "score": 40}},
    {"name": "missing", "input": {"files": {"README.md": "x"}}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

FILE = re.compile(
    r"(docs/|\.github/|\.gitlab/|\.gitea/|\.well-known/|public/\.well-known/|static/\.well-known/)?security(\.\w+)?",
    re.IGNORECASE,
)
TEXT = re.compile(r"\.(md|txt|rst|adoc|markdown)$|/security$|^security$", re.IGNORECASE)
WAY = re.compile(
    r"[\w.+-]+(@|\s*\[at\]\s*| at )[\w-]+\.[\w.-]+|private(ly)? (vulnerability|security|report)|report a vulnerability|security/advisories"
    r"|confidential issue|hackerone|bugcrowd|intigriti|huntr|https?://(?!\S*/issues\b)\S*(report|disclos|security|vulnerab|bounty|contact)\S*"
    r"|^contact:", re.IGNORECASE | re.M,
)  # fmt: skip


def evaluate(project):
    files = list(filter(TEXT.search, project.files.matching(FILE, whole=True)))
    for path in files:
        try:
            text = project.get_file_content(path) or ""
        except ValueError:  # no text
            continue
        match = WAY.search(text)
        if match:
            return verdict(
                100, f"{path}:{text.count(chr(10), 0, match.start()) + 1} says how to report.", path
            )
    if files:
        return verdict(
            40,
            f"{files[0]} names no private way to report: no address, no page, no private reports.",
            files[0],
        )
    return verdict(
        0, "No SECURITY.md in this repository (one of the whole organisation cannot be seen from here).", ""
    )


def verdict(score, message, path):
    found = [] if score == 100 else [{"path": path, "message": message, "severity": "medium"}]
    return {"passed": score == 100, "score": score, "message": message, "findings": found}
