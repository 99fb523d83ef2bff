"""Dependencies are locked: two builds of one commit get the same versions.

For every manifest that names dependencies there must be a lock file beside it, or further up (workspaces). A
requirements.txt counts when each line is pinned with ==, by a hash, or by a whole commit, editable or not. Where nothing is deployed
(no Dockerfile, compose file that builds, chart or galley.yml, apart from those for development and tests) it passes all the same,
saying so: libraries are often better without a lock. Parameter `skip`: which paths are not looked at.
"""

import json
import re
import tomllib
from posixpath import basename, dirname

NAME = "Locked dependencies"
PARAMS = {"skip": "(^|/)(node_modules|vendor|third_party|fixtures?|testdata|examples?|templates?)/"}
TESTS = [
    {"name": "locked", "input": {"files": {"package.json": "{\"dependencies\": {\"a\": \"1\"}}", "package-lock.json": "{}", "Dockerfile": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "deployed without", "input": {"files": {"package.json": "{\"dependencies\": {\"a\": \"1\"}}", "Dockerfile": ""}}, "expected": {"passed": False, "findings": [{"path": "package.json"}]}},
    {"name": "a library", "input": {"files": {"package.json": "{\"dependencies\": {\"a\": \"1\"}}", ".devcontainer/Dockerfile": ""}}, "expected": {"passed": True, "score": 70}},
    {"name": "from a branch", "input": {"files": {"requirements.txt": "a==1\n-e git+https://x.test/b@main\n", "Dockerfile": ""}}, "expected": {"passed": False, "findings": [{"line": 2}]}},
]  # fmt: skip

LOCKS = {
    "package.json": [
        "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock",
    ],
    "pyproject.toml": ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "requirements.txt", "pixi.lock"],
    "Pipfile": ["Pipfile.lock"],
    "Cargo.toml": ["Cargo.lock"],
    "go.mod": ["go.sum"],
    "Gemfile": ["Gemfile.lock"],
    "composer.json": ["composer.lock"],
    "mix.exs": ["mix.lock"],
    "pubspec.yaml": ["pubspec.lock"],
    "flake.nix": ["flake.lock"],
}  # fmt: skip

REQUIREMENTS = re.compile(r"(^|/)requirements([-_.]\w+)*\.txt$|(^|/)requirements/[^/]+\.txt$")
EDITABLE = re.compile(r"(?:-e|--editable)(?:\s+|=)(.+)")
REMOTE = re.compile(r"(^|@\s*)(git|hg|svn|bzr)\+|(^|@\s*)(https?|ftp)://")
COMMIT = re.compile(
    r"@[0-9a-f]{40}([#&]|$)|@[0-9a-f]{64}([#&]|$)|[#&](sha256|sha384|sha512)=[0-9a-f]+|--hash"
)
PINNED = re.compile(
    r"===?\s*[^\s*,;]+(?!\S*\*)|--hash|^[./]|^file:|@\s*file:"
)  # the later: a folder of this repository
DEPLOYS = re.compile(
    r"(^|/)((Dockerfile|Containerfile)(\.[\w-]+)?|[\w-]+\.(Dockerfile|Containerfile)|(docker-)?compose[\w.-]*\.ya?ml|galley\.ya?ml|Chart\.yaml"
    r"|Procfile|fly\.toml|render\.yaml|vercel\.json|netlify\.toml|serverless\.ya?ml)$",
    re.I,
)
NEAR = "|".join(  # all that this policy looks at
    [
        f"(^|/)({'|'.join(re.escape(name) for names in LOCKS.values() for name in names)})$",
        f"(^|/)({'|'.join(map(re.escape, LOCKS))})$",
        r"(^|/)requirements[^/]*(/[^/]+)?\.txt$",
        f"(?i:{DEPLOYS.pattern})",
    ]
)
NOT_DEPLOYED = re.compile(
    r"(^|/)(\.devcontainer|\.github|\.gitlab|\.circleci|\.ci|ci|tests?|[\w-]+[-_]tests?|e2e|docs?|dev|devel|development|benchmarks?|hack|tools)/"
    r"|(^|/)[^/]*[._-](tests?|testing|dev|devel|development|ci|lint|docs?|e2e|bench|local|debug)([._-][^/]*)?$|(^|/)(test|dev|ci)[\w-]*\.Dockerfile$",
    re.I,
)


def evaluate(project, params):
    files = {
        path: size for path, size in project.files.sizes(NEAR).items() if not re.search(params["skip"], path)
    }
    checked, problems = [], []
    for path in files:
        if basename(path) in LOCKS and names_dependencies(path, text := read(project, path)):
            lock, problem = lock_of(path, files), None
            if not lock:
                problem = {
                    "path": path,
                    "line": None,
                    "message": f"has no lock file ({', '.join(LOCKS[basename(path)][:3])})",
                }
            checked.append(f"{path} by {lock}")
        elif REQUIREMENTS.search(path) and (text := read(project, path)).strip():
            problem = loose_line(path, text)
            checked.append(path)
        else:
            continue
        problems += [problem] if problem else []
    if not checked:
        return {
            "passed": True,
            "score": 100,
            "message": f"No manifest names dependencies, among {len(project.files)} files.",
        }
    if not problems:
        return {"passed": True, "score": 100, "message": f"Locked: {', '.join(checked[:5])}."}
    return judged(project, files, checked, problems)


def judged(project, files, checked, problems):
    score = round(100 * (len(checked) - len(problems)) / len(checked))
    message = " ".join(f"{place(one)} {one['message']}." for one in problems[:5])
    place_of = next((path for path in files if deploys(project, path)), None)
    if place_of:
        message += f" {place_of} deploys it."
    else:
        message += " Nothing is deployed from here, so this is only a hint."
    severity = "medium" if place_of else "info"
    return {
        "passed": not place_of,
        "score": score if place_of else max(70, score),
        "message": message,
        "findings": [{**one, "severity": severity} for one in problems[:200]],
        "details": {"manifests": checked[:100]},
    }


def place(one):
    return f"{one['path']}:{one['line']}" if one["line"] else one["path"]


def deploys(project, path):
    """Whether something is deployed by this file. A compose file without a service does not."""
    if not DEPLOYS.search(path) or NOT_DEPLOYED.search(path):
        return False
    return "compose" not in basename(path).lower() or bool(
        re.search(r"^\s*build\s*:", read(project, path), re.M)
    )


def read(project, path):
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # no text, or far too much of it
        return ""


def lock_of(path, files):
    """The lock file of a manifest: one with content, beside it or further up."""
    folder = dirname(path)
    while True:
        here = [f"{folder}/{name}" if folder else name for name in LOCKS[basename(path)]]
        found = [name for name in here if files.get(name)] or locked_requirements(path, folder, files)
        if found or not folder:
            return found[0] if found else None
        folder = dirname(folder)


def locked_requirements(path, folder, files):
    """Python projects also keep what a resolver wrote in requirements/*.txt; its own lines are checked elsewhere."""
    pattern = re.escape(f"{folder}/" if folder else "") + r"requirements[^/]*(/[^/]+)?\.txt"
    return (
        [name for name in files if re.fullmatch(pattern, name)] if basename(path) == "pyproject.toml" else []
    )


def loose_line(path, text):
    for number, whole in enumerate(text.split("\n"), 1):
        line = re.sub(r"(^|\s)#.*|\s;.*|;\s.*", "", whole).strip()
        editable = EDITABLE.match(line)
        line = editable[1].strip().strip("\"'") if editable else line
        if not line or line.startswith("-") or (editable and not REMOTE.search(line)):
            continue
        if not (COMMIT if REMOTE.search(line) else PINNED).search(line):
            advice = "use a whole commit or a hash" if REMOTE.search(line) else "use =="
            return {"path": path, "line": number, "message": f"does not pin {line.split()[0]} ({advice})"}
    return None


def names_dependencies(path, text):
    name = basename(path)
    try:
        if name in ("package.json", "composer.json"):
            data = json.loads(text)
            return any(data.get(key) for key in ("dependencies", "devDependencies", "require", "require-dev"))
        if name in ("pyproject.toml", "Cargo.toml", "Pipfile"):
            return has_dependencies(tomllib.loads(text))
    except (ValueError, AttributeError, RecursionError):
        return False  # broken manifests are another policy's business
    if name == "go.mod":
        return bool(re.search(r"^\s*require\b", text, re.MULTILINE))
    if name == "Gemfile":
        return bool(re.search(r"^\s*(gem|gemspec)\b", text, re.MULTILINE))
    return True


def has_dependencies(data):
    poetry = data.get("tool", {}).get("poetry", {}).get("dependencies", {})
    places = [
        data.get("project", {}).get("dependencies"), data.get("dependencies"), data.get("packages"),
        data.get("workspace", {}).get("dependencies"), [name for name in poetry if name != "python"],
    ]  # fmt: skip
    return any(places)
