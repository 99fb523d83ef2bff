"""Something tests every change by itself.

Looks for the configuration of a CI service with at least one job, and for a step in it that tests or checks.
"""

import re

NAME = "Continuous integration"

SERVICES = [
    ("GitHub Actions", r"\.github/workflows/[^/]+\.ya?ml", r"^\s*jobs\s*:"),
    ("Forgejo Actions", r"\.(forgejo|gitea)/workflows/[^/]+\.ya?ml", r"^\s*jobs\s*:"),
    ("GitLab CI", r"\.gitlab-ci\.yml", r"^\s*(script|include|trigger|extends)\s*:"),
    ("CircleCI", r"\.circleci/config\.ya?ml", r"^\s*(jobs|workflows)\s*:"),
    ("Jenkins", r"Jenkinsfile(\.\w+)?", r"\S"),
    ("Woodpecker", r"\.woodpecker(/[^/]+)?\.ya?ml", r"^\s*(steps|pipeline)\s*:"),
    ("Drone", r"\.drone\.ya?ml", r"^\s*steps\s*:"),
    ("Travis", r"\.travis\.yml", r"\S"),
    ("Azure Pipelines", r"azure-pipelines\.ya?ml", r"^\s*-?\s*(steps|jobs|stages|extends)\s*:"),
    ("Bitbucket Pipelines", r"bitbucket-pipelines\.yml", r"^\s*pipelines\s*:"),
    ("Buildkite", r"\.buildkite/pipeline\.ya?ml", r"^\s*steps\s*:"),
    ("SourceHut", r"\.build\.yml|\.builds/[^/]+\.yml", r"^\s*tasks\s*:"),
    ("Cirrus", r"\.cirrus\.yml", r"\S"),
    ("AppVeyor", r"\.?appveyor\.ya?ml", r"\S"),
    ("Cloud Build", r"cloudbuild\.ya?ml", r"^\s*steps\s*:"),
    ("CodeBuild", r"buildspec\.ya?ml", r"^\s*phases\s*:"),
    ("TeamCity", r"\.teamcity/(.+/)?settings\.kts|\.teamcity/.+\.xml", r"\S"),
    ("a script", r"\.ci/[^/]+", r"\S"),
]
TESTING = re.compile(
    r"\b(?!(la|at|grea|fas|con|pro)tests?\b)(\w*tests?|pytest|tox|nox|check|lint|verify|spec|ctest|phpunit|jest|vitest)\b",
    re.IGNORECASE,
)


def evaluate(project):
    found, hollow = [], []
    for path in project.list_files():
        for service, name, job in SERVICES:
            if re.fullmatch(name, path):
                text = without_comments(read(project, path))
                kind = found if re.search(job, text, re.MULTILINE) else hollow
                kind.append((service, path, first_test(text)))
    for service, path, line in found:
        if line:
            return verdict(100, f"{service} tests changes ({path}:{line}).", found)
    if found:
        service, path, _ = found[0]
        return verdict(70, f"{service} runs {path}, but no step of it looks like a test.", found)
    if hollow:
        return verdict(30, f"{hollow[0][1]} is there, but has no job.", hollow)
    return verdict(0, "No CI configuration. Add one that runs the tests on every change.", [])


def read(project, path):
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # no text: a program in .ci, say
        return ""


def without_comments(text):
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())


def first_test(text):
    return next((number for number, line in enumerate(text.splitlines(), 1) if TESTING.search(line)), None)


def verdict(score, message, files):
    details = {"files": [{"service": service, "path": path} for service, path, _ in files]}
    return {"passed": score >= 70, "score": score, "message": message, "details": details}
