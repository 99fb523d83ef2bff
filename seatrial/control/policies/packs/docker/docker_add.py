"""ADD only where COPY does not do.

ADD unpacks archives and fetches addresses without saying so. Files of the context are copied with COPY (the fix says how), and an address
needs a `--checksum`.
"""

import re

NAME = "COPY rather than ADD"
TESTS = [
    {"name": "COPY", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY a /a\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "ADD of a file", "input": {"files": {"Dockerfile": "FROM a:1\nADD a.py /a\n"}},
     "expected": {"passed": True, "score": 90, "findings": [{"line": 2, "fix": "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -2,1 +2,1 @@\n-ADD a.py /a\n+COPY a.py /a\n"}]}},
    {"name": "an archive", "input": {"files": {"Dockerfile": "FROM a:1\nADD a.tar.gz /a\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "an address", "input": {"files": {"Dockerfile": "FROM a:1\nADD https://x.test/a /a\n"}}, "expected": {"passed": False, "findings": [{"line": 2, "severity": "medium", "fix": ""}]}},
    {"name": "an address, checked", "input": {"files": {"Dockerfile": "FROM a:1\nADD --checksum=sha256:0 https://x.test/a /a\n"}}, "expected": {"passed": True}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/")
ARCHIVE = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.\w+|gz|bz2|xz|zst)(\s|$|\")|\$|\*|<<")


def evaluate(project):
    found, looked = [], 0
    for file in project.fact("dockerfile")["dockerfiles"]:
        path = file["path"]
        if SKIPPED.search(path):
            continue
        looked += 1
        added = [
            step for stage in file["stages"] for step in stage["instructions"] if step["instruction"] == "ADD"
        ]
        lines = (project.get_file_content(path) or "").split("\n") if added else []
        found += [one for step in added if (one := judge(path, step, lines))]
    grave = [one for one in found if one["severity"] == "medium"]
    if not found:
        return {
            "passed": True,
            "score": 100,
            "message": f"Dockerfiles read: {looked}. None adds what should be copied.",
        }
    score = max(0, 60 - 10 * len(grave)) if grave else max(70, 100 - 10 * len(found))
    message = "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in found[:3]) + "."
    return {"passed": not grave, "score": score, "message": message, "findings": found[:200]}


def judge(path, step, lines):
    rest, line = step["rest"], step["line"]
    finding = {"path": path, "line": line, "fix": ""}
    if re.search(r"(^|\s|\")(https?|ftp)://", rest):
        return (
            None
            if "--checksum=" in rest
            else {**finding, "message": "adds an address without --checksum", "severity": "medium"}
        )
    if ARCHIVE.search(rest) or re.search(r"\bgit@|\.git\b", rest):
        return None
    whole = lines[line - 1]
    if re.match(r"\s*ADD\s", whole, re.IGNORECASE) and not whole.rstrip().endswith("\\"):
        copied = re.sub(r"ADD", "COPY", whole, count=1, flags=re.IGNORECASE)
        finding["fix"] = f"--- a/{path}\n+++ b/{path}\n@@ -{line},1 +{line},1 @@\n-{whole}\n+{copied}\n"
    return {**finding, "message": "adds files that COPY would copy", "severity": "low"}
