"""Dependencies are locked: two builds of one commit get the same versions.

For every manifest that names dependencies there must be a lock file beside it, or further up (workspaces). A
requirements.txt counts when each line is pinned with ==, by a hash or by a commit. Where nothing is deployed (no
Dockerfile, compose file or galley.yml) it passes all the same, saying so: libraries are often better without a lock.
"""

import json
import re
import tomllib
from posixpath import basename, dirname

NAME = "Locked dependencies"
PARAMS = {"skip": "(^|/)(node_modules|vendor|third_party|fixtures?|testdata|examples?|templates?)/"}

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
}  # fmt: skip

REQUIREMENTS = re.compile(r"(^|/)requirements([-_.]\w+)*\.txt$|(^|/)requirements/[^/]+\.txt$")
PINNED = re.compile(r"===?|--hash|@ |@[0-9a-f]{7,40}(#|$)|^[./]")  # the last: a folder of this repository
DEPLOYED = re.compile(
    r"(^|/)((Dockerfile|Containerfile)(\.\w+)?|\w+\.Dockerfile|(docker-)?compose[\w.-]*\.ya?ml|galley\.ya?ml)$",
    re.I,
)


def evaluate(project, params):
    files = [path for path in project.list_files() if not re.search(params["skip"], path)]
    checked, problems = [], []
    for path in files:
        problem = None
        if basename(path) in LOCKS and names_dependencies(path, read(project, path)):
            problem = missing_lock(path, set(files))
        elif REQUIREMENTS.search(path):
            problem = loose_line(path, read(project, path))
        else:
            continue
        checked.append(path)
        problems += [problem] if problem else []
    if not checked:
        return {"passed": True, "score": 100, "message": "No manifest names dependencies."}
    if not problems:
        return {"passed": True, "score": 100, "message": f"Locked: {', '.join(checked[:5])}."}
    score = round(100 * (len(checked) - len(problems)) / len(checked))
    message = " ".join(problems[:5])
    deployed = any(DEPLOYED.search(path) for path in files)
    if not deployed:
        message += " Nothing is deployed from here, so this is only a hint."
    return {
        "passed": not deployed,
        "score": score if deployed else max(70, score),
        "message": message,
        "details": {"manifests": checked[:100], "problems": problems[:100]},
    }


def read(project, path):
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # no text, or far too much of it
        return ""


def missing_lock(path, files):
    wanted = LOCKS[basename(path)]
    folder = dirname(path)
    while True:
        here = [f"{folder}/{name}" if folder else name for name in wanted]
        if any(name in files for name in here) or locked_requirements(path, folder, files):
            return None
        if not folder:
            return f"{path} has no lock file ({', '.join(wanted[:3])})."
        folder = dirname(folder)


def locked_requirements(path, folder, files):
    """Python projects also keep what a resolver wrote in requirements/*.txt; its own lines are checked elsewhere."""
    pattern = re.escape(f"{folder}/" if folder else "") + r"requirements[^/]*(/[^/]+)?\.txt"
    return basename(path) == "pyproject.toml" and any(re.fullmatch(pattern, name) for name in files)


def loose_line(path, text):
    for number, whole in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*|\s;.*|;\s.*", "", whole).strip()
        if line and not line.startswith("-") and not PINNED.search(line):
            return f"{path}:{number} does not pin {line.split()[0]} (use ==)."
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
        return bool(re.search(r"^\s*gem\s", text, re.MULTILINE))
    return True


def has_dependencies(data):
    poetry = data.get("tool", {}).get("poetry", {}).get("dependencies", {})
    places = [
        data.get("project", {}).get("dependencies"), data.get("dependencies"), data.get("packages"),
        data.get("workspace", {}).get("dependencies"), [name for name in poetry if name != "python"],
    ]  # fmt: skip
    return any(places)
