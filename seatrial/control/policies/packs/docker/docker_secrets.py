"""No secret is built into an image.

ENV and ARG stay in an image and its history: none may have a name of a secret and a value, or be a secret's own form; no file with secrets
is copied. Give secrets when the container starts, or with `RUN --mount=type=secret`.
"""

import re

NAME = "No secrets in images"
TESTS = [
    {"name": "a value", "input": {"files": {"Dockerfile": "FROM a:1\nENV DB_PASSWORD=q8Zr2LkV7b\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 2, "severity": "high"}]}},
    {"name": "an argument that is passed on", "input": {"files": {"Dockerfile": "FROM a:1\nARG NPM_TOKEN\nRUN npm ci\n"}}, "expected": {"passed": False, "findings": [{"line": 2, "severity": "medium"}]}},
    {"name": "mounted", "input": {"files": {"Dockerfile": "FROM a:1\nRUN --mount=type=secret,id=npm npm ci\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "a file", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY .env id_rsa /app/\n"}}, "expected": {"passed": False, "findings": 1}},
    {"name": "only where it is", "input": {"files": {"Dockerfile": "FROM a:1\nENV DB_PASSWORD_FILE=/run/secrets/a API_KEY=\nENV TOKENIZERS_PARALLELISM=false\n"}}, "expected": {"passed": True}},
    {"name": "the old form", "input": {"files": {"Dockerfile": "FROM a:1\nENV API_KEY q8Zr2LkV7b\n"}}, "expected": {"passed": False}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?)/")
SECRET = re.compile(
    r"(^|_)(PASSWORD|PASSWD|SECRET|SECRET_KEY(_BASE)?|TOKEN|API_?KEY|PRIVATE_KEY|ACCESS_KEY|CREDENTIALS)$",
    re.IGNORECASE,
)
HARMLESS = re.compile(
    r"^$|^\$|^/|^(changeme|dummy|placeholder|none|unused|build|test|x+|\*+|<.*>)$", re.IGNORECASE
)
FILES = re.compile(
    r"(^|[\s/\"])(\.env(\.(?!example|sample|template)[\w.]+)?|id_(rsa|ed25519|ecdsa|dsa)|\.npmrc|\.pypirc|\.netrc|\.aws|\.ssh|[\w.-]+\.(pem|p12|pfx|jks))(?=$|[\s\",/])"
)
PAIR = re.compile(r"([A-Za-z_]\w*)=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|\S*)")


def evaluate(project):
    problems, looked = [], 0
    for file in project.fact("dockerfile")["dockerfiles"]:
        path = file["path"]
        if SKIPPED.search(path):
            continue
        looked += 1
        steps = [step for stage in file["stages"] for step in stage["instructions"]]
        problems += [(path, step["line"], text, level) for step in steps for text, level in judge(step)]
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Dockerfiles read: {looked}. None builds a secret in.",
        }
    return {
        "passed": False,
        "score": max(0, 60 - 20 * (len(problems) - 1)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text, _ in problems[:3]) + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level, "quote": False}
            for p, n, text, level in problems[:200]
        ],
    }


def judge(step):
    rest = step["rest"]
    if step["instruction"] in ("ENV", "ARG"):
        pairs = PAIR.findall(rest)
        if not pairs:
            name, _, value = rest.partition(" ")
            pairs = [(name, value.strip())] if step["instruction"] == "ENV" else []
            if step["instruction"] == "ARG" and SECRET.search(name):
                yield f"takes {name} as an argument, which the image's history keeps", "medium"
        for name, value in pairs:
            if SECRET.search(name) and not HARMLESS.match(value.strip("\"'")):
                yield f"gives {name} a value", "high"
    elif step["instruction"] in ("COPY", "ADD") and "--from=" not in rest:
        found = FILES.search(" ".join(rest.split()[:-1]) if not rest.startswith("[") else rest)
        if found:
            yield f"copies {found[2]}", "high"
