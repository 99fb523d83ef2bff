"""Every Dockerfile says exactly what it is built on.

Each base image (FROM, and COPY --from an image) must carry a tag other than `latest`, or a digest. `scratch`, names of
earlier stages, also by an argument, and defaults of ARG before the first FROM are understood; templates are left alone. Parameters:
`require_digest`: a tag is not enough then; `skip`: which paths are not looked at; `only_deployed`: what is built for development or
tests is listed and fails nothing.
"""

import re
from posixpath import basename

NAME = "Pinned base images"
PARAMS = {
    "require_digest": False,
    "only_deployed": True,
    "skip": "(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/",
}
TESTS = [
    {"name": "a tag", "input": {"files": {"Dockerfile": "FROM python:3.13-slim\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "none", "input": {"files": {"Dockerfile": "FROM python\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 1}]}},
    {"name": "only for tests", "input": {"files": {"tests/Dockerfile": "FROM python\n", ".devcontainer/Dockerfile": "FROM python\n"}}, "expected": {"passed": True, "score": 90, "findings": [{"severity": "low"}, {"severity": "low"}]}},
    {"name": "only for tests, and it counts", "input": {"files": {"tests/Dockerfile": "FROM python\n"}}, "params": {"only_deployed": False}, "expected": {"passed": False}},
    {"name": "a digest is required", "input": {"files": {"Dockerfile": "FROM python:3.13\n"}}, "params": {"require_digest": True}, "expected": {"passed": False}},
    {"name": "a stage by an argument", "input": {"files": {"Dockerfile": "ARG N=1\nFROM a:1 AS img1\nFROM img${N}\n"}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(
    r"(Dockerfile|Containerfile)([.-][\w.-]+)?|[\w.-]+\.(Dockerfile|Containerfile)", re.IGNORECASE
)
TEMPLATE = re.compile(r"\{\{|\{%|<%|\$\{[^}]*\.|@@?[A-Z_]+@")  # somebody fills it in before Docker reads it
# Docker sets these itself. What depends on one is judged as on the most common machine.
PLATFORM = {
    f"{side}{name}": value
    for side in ("TARGET", "BUILD")
    for name, value in {"PLATFORM": "linux/amd64", "OS": "linux", "ARCH": "amd64", "VARIANT": ""}.items()
}
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])((?:[^{}]|\{[^{}]*\})*))?\}|(\w+))")
NO_DOCKERFILE = re.compile(
    r"\.(md|txt|dockerignore|rst|template|tmpl|tpl|j2|jinja2?|erb|in|m4|ya?ml|json|py|sh|go|[jt]s|orig|rej)$",
    re.IGNORECASE,
)
ASIDE = re.compile(
    r"(^|/)(\.devcontainer|tests?|dev|ci|\.github|e2e)/|[._-](tests?|dev|ci|devel)([._-]|$)", re.IGNORECASE
)
LONGEST = 4096  # of an image's name, once arguments are filled in


def evaluate(project, params):
    problems, images, unread = [], [], []
    for path in project.list_files():
        if (
            FILE.fullmatch(basename(path))
            and not NO_DOCKERFILE.search(path)
            and not re.search(params["skip"], path)
        ):
            try:
                steps = project.get_instructions(path) or []
            except ValueError as error:
                unread.append(str(error))
                continue
            for line, image in bases(steps):
                if TEMPLATE.search(image):
                    continue
                images.append({"file": path, "line": line, "image": image})
                problem = judge(image, params["require_digest"])
                if problem:
                    aside = ", for development or tests" if ASIDE.search(path) else ""
                    severity = "low" if aside else "medium"
                    problems.append(
                        {"path": path, "line": line, "message": problem + aside, "severity": severity}
                    )
    note = f" Not read: {unread[0]}." if unread else ""
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
    if "$" in image:
        return f"builds on {image}, which has no default"
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if digest.startswith("sha256:"):
        return None
    if require_digest:
        return f"builds on {image} without a digest"
    if not tag:
        return f"builds on {image} without a tag"
    return f"builds on {image}, which changes under it" if tag == "latest" else None


def bases(steps):
    """(line, image) of everything that is taken from outside the file."""
    defaults, stages, found, began = dict(PLATFORM), set(), [], False
    for step in steps:
        line, words = step["line"], step["rest"].split()
        if step["instruction"] == "ARG" and not began:
            for word in words:
                name, has_default, value = word.partition("=")
                if has_default:
                    defaults[name] = filled(value.strip("\"'"), defaults)
        elif step["instruction"] == "FROM":
            began = True
            words = [word for word in words if not word.startswith("--")]
            image = filled(words[0].strip("\"'"), defaults) if words else ""
            if image and image.lower() not in stages | {"scratch"}:
                found.append((line, image))
            stages.add(
                words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else f"stage {len(stages)}"
            )
        elif step["instruction"] in ("COPY", "ADD", "RUN"):
            for source in re.findall(
                r"(?:^--from=|^--mount=\S*?\bfrom=)([^,\s]+)", "\n".join(words), re.MULTILINE
            ):
                image = filled(source.strip("\"'"), defaults)
                if not image.isdigit() and image.lower() not in stages | {"scratch"}:
                    found.append((line, image))
    return found


def filled(text, defaults):
    def value(match):
        name = match[1] or match[4]
        if match[2] == "+":
            return match[3] if defaults.get(name) else ""
        if match[2] == "-":
            return defaults.get(name) or filled(match[3], defaults)
        return defaults.get(name, match[0])

    return VARIABLE.sub(value, text)[:LONGEST]
