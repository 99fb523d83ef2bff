"""No merge was left half done.

Looks for the markers that git writes into a file when a merge conflicts: one that begins, one between and one that ends, in this order,
each at the beginning of a line. A lone line of equals signs, as under a heading, is none.
"""

import re

NAME = "No conflict markers"
TESTS = [
    {"name": "left", "input": {"files": {"a.py": "x = 1\n<<<<<<< HEAD\ny = 1\n=======\ny = 2\n>>>>>>> topic\n"}}, "expected": {"passed": False, "findings": [{"path": "a.py", "line": 2, "severity": "high"}]}},
    {"name": "a heading", "input": {"files": {"README.rst": "Ship\n=======\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "with the base", "input": {"files": {"a": "<<<<<<< ours\r\n1\r\n||||||| base\r\n2\r\n=======\r\n3\r\n>>>>>>> theirs\r\n"}}, "expected": {"passed": False}},
    {"name": "shown in a text", "input": {"files": {"docs/merging.md": "    <<<<<<< HEAD\n    =======\n    >>>>>>> topic\n"}}, "expected": {"passed": True}},
    {"name": "two", "input": {"files": {"a": "<<<<<<< a\n=======\n>>>>>>> b\nx\n<<<<<<< a\n=======\n>>>>>>> b\n"}}, "expected": {"passed": False, "findings": 2}},
]  # fmt: skip

CONFLICT = re.compile(r"^<{7} .*\r?\n(?:(?!<{7} |={7}\r?$).*\n)*?={7}\r?\n(?:(?!<{7} ).*\n)*?>{7} ", re.M)
SKIPPED = [
    "node_modules/",
    "vendor/",
    "third_party/",
    "testdata/",
    "fixture/",
    "fixtures/",
    "*.patch",
    "*.diff",
    "*.orig",
    "*.rej",
]


def evaluate(project):
    begun = project.search(r"^<{7} ", exclude=SKIPPED)
    near = dict.fromkeys(one["path"] for one in begun["found"])
    found = []
    for path, text in project.read_files(list(near)):
        found += [(path, text.count("\n", 0, match.start()) + 1) for match in CONFLICT.finditer(text)]
    if not found:
        return {
            "passed": True,
            "score": 100,
            "message": f"No conflict marker in {begun['files']} files; not read, because they are no text or above 1 MB: {len(begun['unread'])}.",
        }
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return {
        "passed": False,
        "score": 0,
        "message": "A conflict was left at "
        + ", ".join(f"{path}:{line}" for path, line in found[:3])
        + f"{more}.",
        "findings": [
            {"path": p, "line": n, "message": "a conflict that nobody resolved", "severity": "high"}
            for p, n in found[:500]
        ],
    }
