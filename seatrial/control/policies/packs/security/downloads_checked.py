"""Nothing from the network is run unseen.

Looks into Dockerfiles, workflows and scripts for downloads that go straight into a shell or an interpreter (`curl ... | sh`), and for
downloads without encryption or without checking certificates. A line with `seatrial:allow` is left alone.
"""

import re

NAME = "Checked downloads"
TESTS = [
    {"name": "into a shell", "input": {"files": {"Dockerfile": "FROM a:1\nRUN curl -fsSL https://x.test/i.sh | sh\n"}},
     "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 2, "severity": "high"}]}},
    {"name": "as an argument", "input": {"files": {"setup.sh": "bash <(wget -qO- https://x.test/i.sh)\n"}}, "expected": {"passed": False}},
    {"name": "over two lines", "input": {"files": {"a.sh": "curl https://x.test/i.py \\\n  | sudo python3 -\n"}}, "expected": {"passed": False, "findings": [{"line": 1}]}},
    {"name": "without certificates", "input": {"files": {"a.sh": "curl -k https://x.test/a.tgz -o a.tgz\n"}}, "expected": {"passed": False, "findings": [{"severity": "medium"}]}},
    {"name": "to a file, checked", "input": {"files": {"a.sh": "curl -fO https://x.test/a.tgz\necho \"$SUM a.tgz\" | sha256sum -c\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "only a comment", "input": {"files": {"a.sh": "# curl https://x.test | sh\necho curl\n"}}, "expected": {"passed": True}},
    {"name": "allowed", "input": {"files": {"a.sh": "curl https://x.test | sh  # seatrial:allow\n"}}, "expected": {"passed": True}},
    {"name": "into another program", "input": {"files": {"a.sh": "curl https://x.test/a.json | jq .a\n"}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(
    r"(.*/)?((Dockerfile|Containerfile)[\w.-]*|Makefile|justfile|\.gitlab-ci\.yml|[^/]+\.(sh|bash|zsh|mk|dockerfile))|\.(github|forgejo|gitea|circleci)/.*\.ya?ml|\.ci/.*|.*/action\.ya?ml",
    re.IGNORECASE,
)
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/")
SHELL = r"(?:sudo\s+(?:-\S+\s+)*)?(?:/(?:usr/)?bin/)?(?:env\s+)?(?:ba|z|da|k)?sh\b|(?:sudo\s+)?(?:python[\d.]*|perl|ruby|node|pwsh|iex)\b"
RUN = re.compile(
    rf"\b(curl|wget|iwr|Invoke-WebRequest)\b[^\n|;&]*\|\s*(?:{SHELL})|(?:{SHELL})\s+(?:-\S+\s+)*(?:<\(|[\"']?\$\()\s*(curl|wget)\b",
    re.IGNORECASE,
)
UNCHECKED = re.compile(
    r"\bcurl\b[^\n|;&]*\s(-k|--insecure|-\w*k\w*)\s|\bwget\b[^\n|;&]*--no-check-certificate|\b(curl|wget)\b[^\n|;&]*\shttp://(?!localhost|127\.|\[::1|\$|[\w-]+(?![\w.-]))"
)


def evaluate(project):
    files = project.files.matching(FILE, whole=True, unless=SKIPPED)
    problems, read = [], 0
    for path, text in project.read_files(files):
        read += 1
        for number, line in lines_of(text):
            if line.lstrip().startswith("#") or "seatrial:allow" in line:
                continue
            if RUN.search(line):
                problems.append((path, number, "runs what it downloads, unseen", "high"))
            elif UNCHECKED.search(line + " "):
                problems.append(
                    (path, number, "downloads without encryption, or without checking who answers", "medium")
                )
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Scripts, workflows and Dockerfiles read: {read}. None runs a download unseen.",
        }
    return {
        "passed": False,
        "score": max(0, 70 - 15 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text, _ in problems[:3]) + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }


def lines_of(text):
    """(number, line), those that go on joined, by the number of the first."""
    whole, begin = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        begin = begin or number
        if line.endswith("\\"):
            whole += line[:-1] + " "
            continue
        yield begin, whole + line
        whole, begin = "", 0
