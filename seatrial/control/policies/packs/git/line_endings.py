"""Lines end in one way.

A file whose lines end with both CR LF and LF shows as changed on half of all machines, and files with CR LF belong to a pattern of
.gitattributes that says so. Parameter `allow`: patterns of paths that may have CR LF.
"""

import re

NAME = "Line endings"
PARAMS = {
    "allow": [
        "*.bat",
        "*.cmd",
        "*.ps1",
        "*.sln",
        "*.csproj",
        "*.vbproj",
        "*.rc",
        "*.reg",
        "*.eml",
        "*.vcf",
        "*.ics",
    ]
}
TESTS = [
    {"name": "one way", "input": {"files": {"a.py": "1\n2\n", "b.bat": "1\r\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "both in one file", "input": {"files": {"a.py": "1\n2\r\n3\n"}}, "expected": {"passed": False, "findings": [{"path": "a.py", "line": 2}]}},
    {"name": "all CR LF", "input": {"files": {"a.py": "1\r\n2\r\n"}}, "expected": {"passed": True, "score": 90, "findings": [{"severity": "low"}]}},
    {"name": "CR LF is said", "input": {"files": {".gitattributes": "*.py eol=crlf\n", "a.py": "1\r\n2\r\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "shell scripts fail with it", "input": {"files": {"run.sh": "#!/bin/sh\r\necho\r\n"}}, "expected": {"passed": False, "message": {"contains": "run.sh"}}},
]  # fmt: skip

SKIPPED = r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?)/"
ASIDE = [
    "node_modules/", "vendor/", "third_party/", "testdata/", "test/", "tests/", "fixture/", "fixtures/",
    "*.patch", "*.diff", "*.svg", "*.min.js", "*.map",
]  # fmt: skip
MOST = 150  # patterns of the repository and of the parameter that are used


def evaluate(project, params):
    said = [
        line.split()[0]
        for _, text in project.read_files(project.files.matching(r"(^|/)\.gitattributes$", unless=SKIPPED))
        for line in text.split("\n")
        if re.search(r"\S\s.*(eol=crlf|-text|binary)", line)
    ]
    free = list(dict.fromkeys([*params["allow"], *said]))[:MOST]
    ending = project.search(r"\A(?s:.*?)\r\n", exclude=[*ASIDE, *free])  # once in each file
    problems = []
    for path, text in project.read_files([one["path"] for one in ending["found"]]):
        windows = text.count("\r\n")
        if not windows:
            continue
        others = text.count("\n") - windows
        line = text.count("\n", 0, text.index("\r\n")) + 1
        if text.startswith("#!"):
            problems.append(
                (path, line, "is a script, and its first line ends with CR LF: it cannot be started", "high")
            )
        elif others:
            problems.append((path, line, f"ends {windows} lines with CR LF, and {others} with LF", "medium"))
        else:
            problems.append(
                (path, line, "ends its lines with CR LF, and .gitattributes does not say so", "low")
            )
    grave = [one for one in problems if one[3] != "low"]
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Lines end in one way, in {ending['files']} files; not read, because they are no text or above 1 MB: {len(ending['unread'])}.",
        }
    problems.sort(key=lambda one: ("high", "medium", "low").index(one[3]))
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return {
        "passed": not grave,
        "score": max(0, 60 - 10 * len(grave)) if grave else max(70, 100 - 10 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text, _ in problems[:3]) + f"{more}.",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }
