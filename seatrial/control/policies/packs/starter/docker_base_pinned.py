"""Every Dockerfile says exactly what it is built on.

Each base image (FROM, and COPY --from an image) must carry a tag other than `latest`, or a digest. `scratch`, names of
earlier stages, also by an argument, and defaults of ARG before the first FROM are understood; templates are left alone. Parameters:
`require_digest`: a tag is not enough then; `skip`: which paths are not looked at; `only_deployed`: what is built for development or
tests is listed and fails nothing; `required`: a repository that has no Dockerfile fails.
"""

import re

NAME = "Pinned base images"
PARAMS = {
    "require_digest": False,
    "only_deployed": True,
    "required": False,
    "skip": "(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/",
}
TESTS = [
    {"name": "a tag", "input": {"files": {"Dockerfile": "FROM python:3.13-slim\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "none", "input": {"files": {"Dockerfile": "FROM python\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 1}]}},
    {"name": "only for tests", "input": {"files": {"tests/Dockerfile": "FROM python\n", ".devcontainer/Dockerfile": "FROM python\n"}}, "expected": {"passed": True, "score": 90, "findings": [{"severity": "low"}, {"severity": "low"}]}},
    {"name": "only for tests, and it counts", "input": {"files": {"tests/Dockerfile": "FROM python\n"}}, "params": {"only_deployed": False}, "expected": {"passed": False}},
    {"name": "a digest is required", "input": {"files": {"Dockerfile": "FROM python:3.13\n"}}, "params": {"require_digest": True}, "expected": {"passed": False}},
    {"name": "there must be one", "input": {"files": {"a.py": ""}}, "params": {"required": True}, "expected": {"passed": False, "score": 0}},
    {"name": "a stage by an argument", "input": {"files": {"Dockerfile": "ARG N=1\nFROM a:1 AS img1\nFROM img${N}\n"}}, "expected": {"passed": True}},
]  # fmt: skip

ASIDE = re.compile(
    r"(^|/)(\.devcontainer|tests?|dev|ci|\.github|e2e)/|[._-](tests?|dev|ci|devel)([._-]|$)", re.IGNORECASE
)


def evaluate(project, params):
    problems, images = [], []
    fact = project.fact("dockerfile")
    unread = [f"{path}: {why}" for path, why in fact["left_out"].items()]
    for file in fact["dockerfiles"]:
        path = file["path"]
        if re.search(params["skip"], path):
            continue
        for image in file["images"]:
            if image["template"]:
                continue
            images.append({"file": path, "line": image["line"], "image": image["image"]})
            problem = judge(image, params["require_digest"])
            if problem:
                aside = ", for development or tests" if ASIDE.search(path) else ""
                severity = "low" if aside else "medium"
                problems.append(
                    {"path": path, "line": image["line"], "message": problem + aside, "severity": severity}
                )
    note = f" Not read: {unread[0]}." if unread else ""
    if params["required"] and not (images or fact["dockerfiles"] or unread):
        return {"passed": False, "score": 0, "message": f"No Dockerfile among {len(project.files)} files."}
    if not images:
        return {"passed": True, "score": 100, "message": f"No Dockerfile builds on an image.{note}"}
    details = {"images": images[:100]}
    grave = [one for one in problems if not (params["only_deployed"] and one["severity"] == "low")]
    if problems and not grave:
        listed = "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in problems[:5])
        message = f"What is deployed is pinned. Not pinned: {listed}.{note}"
        return {
            "passed": True,
            "score": 90,
            "message": message,
            "findings": problems[:500],
            "details": details,
        }
    if problems:
        score = round(100 * (len(images) - len(problems)) / len(images))
        message = (
            "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in problems[:5]) + "." + note
        )
        return {
            "passed": False,
            "score": min(score, 90),
            "message": message,
            "findings": problems[:500],
            "details": details,
        }
    first = images[0]
    names = ", ".join(dict.fromkeys(image["image"] for image in images[:5]))
    message = f"Pinned: {names}, from {first['file']}:{first['line']} on.{note}"
    return {"passed": True, "score": 100, "message": message, "details": details}


def judge(image, require_digest):
    name = image["image"]
    if image["unknown"]:
        return f"builds on {name}, whose {', '.join(image['unknown'])} has no default"
    if image["digest"].startswith("sha256:"):
        return None
    if require_digest:
        return f"builds on {name} without a digest"
    if not image["tag"]:
        return f"builds on {name} without a tag"
    return f"builds on {name}, which changes under it" if image["tag"] == "latest" else None
