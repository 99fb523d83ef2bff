"""Every computer can check the repository out.

Looks for names that Windows or macOS cannot hold: two that differ only in upper and lower case or in how an accent is written, reserved
words, characters and ends that Windows forbids, and paths that are too long. Parameter `max_length` of a path.
"""

import re
import unicodedata

NAME = "Portable names"
PARAMS = {"max_length": 200}
TESTS = [
    {"name": "good", "input": {"files": {"a.py": "", "B/c.py": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "upper and lower case", "input": {"files": {"Readme": "", "README": ""}}, "expected": {"passed": False, "findings": 1}},
    {"name": "of a folder, too", "input": {"files": {"src/a": "", "Src/b": ""}}, "expected": {"passed": False, "message": {"contains": "only in upper and lower case"}}},
    {"name": "reserved", "input": {"files": {"docs/aux.md": ""}}, "expected": {"passed": False, "message": {"contains": "docs/aux.md"}}},
    {"name": "forbidden", "input": {"files": {"a:b": "", "c?": "", "d.": ""}}, "expected": {"passed": False, "findings": 3}},
    {"name": "accents", "input": {"files": {"caf\u00e9": "", "cafe\u0301": ""}}, "expected": {"passed": False}},
    {"name": "too long", "input": {"files": {"abcdefghijk": ""}}, "params": {"max_length": 10}, "expected": {"passed": False}},
]  # fmt: skip

RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r"[<>:\"|?*\\\x00-\x1f]|[. ]$")


def evaluate(project, params):
    files = project.files
    problems = []
    above = []  # folders of the last path, and in each the names that are known: paths come sorted
    for path in files:
        parts = path.split("/")
        same = next((n for n, (folder, _) in enumerate(above) if parts[n] != folder), len(above))
        del above[same + 1 :]
        wrong = next((p for p in parts[same:] if RESERVED.fullmatch(p) or FORBIDDEN.search(p)), None)
        for depth, name in enumerate(parts[same:], same):
            if depth == len(above):
                above.append((name, {}))
            known = above[depth][1].setdefault(unicodedata.normalize("NFC", name).casefold(), name)
            above[depth] = (name, above[depth][1])
            if known != name:
                whole, other = "/".join(parts[: depth + 1]), "/".join([*parts[:depth], known])
                problems.append(
                    (path, f"{whole} differs from {other} only in upper and lower case, or in an accent")
                )
                above[depth][1][unicodedata.normalize("NFC", name).casefold()] = name
        if wrong is not None:
            problems.append((path, f"Windows cannot have a file that is called {wrong!r}"))
        elif len(path) > params["max_length"]:
            problems.append(
                (
                    path,
                    f"the path has {len(path)} characters; more than {params['max_length']} fail on Windows",
                )
            )
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"All {len(files)} names can be checked out everywhere.",
        }
    return {
        "passed": False,
        "score": max(0, 100 - 25 * len(problems)),
        "message": "; ".join(f"{path}: {text}" for path, text in problems[:3]) + ".",
        "findings": [{"path": path, "message": text, "severity": "medium"} for path, text in problems[:500]],
        "findings_left_out": len(problems[500:]),
    }
