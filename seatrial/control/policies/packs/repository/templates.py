"""Whoever opens a pull request or an issue is asked for what matters.

Looks for a template for changes and one for issues where GitHub, GitLab, Gitea and Forgejo look for them, and into them: a template
must ask for something, and a form must have a name, a description and fields.
"""

import re

NAME = "Templates"
TESTS = [
    {"name": "both", "input": {"files": {".github/PULL_REQUEST_TEMPLATE.md": "## What and why\n", ".github/ISSUE_TEMPLATE/bug.md": "---\nname: Bug\n---\nWhat happened?\n"}},
     "expected": {"passed": True, "score": 100}},
    {"name": "only for changes", "input": {"files": {".gitlab/merge_request_templates/Default.md": "## What\n"}}, "expected": {"passed": True, "score": 70}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "empty", "input": {"files": {"pull_request_template.md": " \n"}}, "expected": {"passed": False, "findings": 1}},
    {"name": "a form without fields", "input": {"files": {".github/ISSUE_TEMPLATE/bug.yml": "name: Bug\ndescription: A fault\n", ".github/PULL_REQUEST_TEMPLATE.md": "What?"}},
     "expected": {"passed": False, "message": {"contains": "bug.yml has no body"}}},
]  # fmt: skip

CHANGES = re.compile(
    r"(docs/|\.github/|\.gitea/|\.forgejo/)?pull_request_template(/[^/]+)?\.(md|txt|ya?ml)|\.gitlab/merge_request_templates/[^/]+\.md",
    re.IGNORECASE,
)
ISSUES = re.compile(
    r"(docs/|\.github/|\.gitea/|\.forgejo/)?issue_template(\.md|/(?!config\.)[^/]+\.(md|ya?ml))|\.gitlab/issue_templates/[^/]+\.md",
    re.IGNORECASE,
)
NEAR_ISSUES = r"(?i)issue_template"


def evaluate(project):
    found = {
        "changes": project.files.matching(CHANGES, whole=True),
        "issues": [path for path in project.files.matching(NEAR_ISSUES) if ISSUES.fullmatch(path)],
    }
    problems = [
        (path, problem) for paths in found.values() for path in paths if (problem := wrong(project, path))
    ]
    score = (70 if found["changes"] else 0) + (30 if found["issues"] else 0)
    if problems:
        path, problem = problems[0]
        return verdict(
            min(score, 40), f"{path} {problem}.", [(path, f"{path} {problem}") for path, problem in problems]
        )
    if not found["changes"]:
        where = "such as .github/PULL_REQUEST_TEMPLATE.md or .gitlab/merge_request_templates/Default.md"
        return verdict(score, f"No template for changes, {where}.", [("", "no template for changes")])
    first = [paths[0] for paths in found.values() if paths]
    return verdict(
        score, f"Templates: {', '.join(first)}.{'' if found['issues'] else ' There is none for issues.'}", []
    )


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def wrong(project, path):
    """What is wrong with a template, or None."""
    try:
        if path.lower().endswith((".yml", ".yaml")):
            documents = project.get_yaml(path) or []
            data = documents[0]["data"] if documents else None
            missing = [
                key
                for key in ("name", "description", "body")
                if not (
                    isinstance(data, dict) and (data.get(key) or (key == "description" and data.get("about")))
                )
            ]
            return f"has no {', '.join(missing)}" if missing else None
        text = re.sub(r"\A---\n.*?\n---\n", "", text_of(project, path), flags=re.DOTALL)
        return None if text.strip() else "asks for nothing"
    except ValueError as error:
        return f"cannot be read: {error}"


def verdict(score, message, problems):
    found = [{"path": path, "message": text, "severity": "low"} for path, text in problems]
    return {"passed": score >= 70 and not problems, "score": score, "message": message, "findings": found}
