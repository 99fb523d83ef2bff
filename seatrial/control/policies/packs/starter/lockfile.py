"""Dependencies are locked: two builds of one commit get the same versions.

For every manifest that names dependencies there must be a lock file beside it, or further up (workspaces). A
requirements.txt counts when each line is pinned with ==, by a hash, or by a whole commit, editable or not. Where nothing is deployed
(no Dockerfile, compose file that builds, chart or galley.yml, apart from those for development and tests) it passes all the same,
saying so: libraries are often better without a lock. Parameter `skip`: which paths are not looked at; of what is vendored, manifests never are.
"""

import re
from posixpath import basename, dirname

NAME = "Locked dependencies"
PARAMS = {"skip": "(^|/)(node_modules|vendor|third_party|fixtures?|testdata|examples?|templates?)/"}
TESTS = [
    {"name": "locked", "input": {"files": {"package.json": "{\"dependencies\": {\"a\": \"1\"}}", "package-lock.json": "{}", "Dockerfile": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "deployed without", "input": {"files": {"package.json": "{\"dependencies\": {\"a\": \"1\"}}", "Dockerfile": ""}}, "expected": {"passed": False, "findings": [{"path": "package.json"}]}},
    {"name": "a library", "input": {"files": {"package.json": "{\"dependencies\": {\"a\": \"1\"}}", ".devcontainer/Dockerfile": ""}}, "expected": {"passed": True, "score": 70}},
    {"name": "only what a resolver starts from", "input": {"files": {"requirements.in": "a\n", "Dockerfile": ""}}, "expected": {"passed": False, "findings": [{"path": "requirements.in"}]}},
    {"name": "Conda", "input": {"files": {"environment.yml": "dependencies:\n- a>=1\n", "Dockerfile": ""}}, "expected": {"passed": False}},
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
    "requirements.in": ["requirements.txt"],
    "environment.yml": ["conda-lock.yml", "conda-lock.yaml", "pixi.lock"],
}  # fmt: skip

OTHERS = {  # what the platform does not read itself, and what says that it names dependencies
    "Pipfile": r"^\[(dev-)?packages\]\s*^[\w\"'.-]+\s*=",
    "mix.exs": "",
    "pubspec.yaml": "",
    "flake.nix": "",
    "requirements.in": r"^[A-Za-z][\w.-]*",
    "environment.yml": r"^\s*-\s+[\w.-]+\s*([<>~!].*)?$",
}
VENDORED = [
    "node_modules/",
    "vendor/",
    "third_party/",
]  # there may be thousands, of which nobody wants to hear
NOT_LOCKED = ("build", "peer", "replace")  # groups that lock files need not hold
PART = 200  # patterns that it takes
DEPLOYS = re.compile(
    r"(^|/)((Dockerfile|Containerfile)(\.[\w-]+)?|[\w-]+\.(Dockerfile|Containerfile)|(docker-)?compose[\w.-]*\.ya?ml|galley\.ya?ml|Chart\.yaml"
    r"|Procfile|fly\.toml|render\.yaml|vercel\.json|netlify\.toml|serverless\.ya?ml)$",
    re.I,
)
NEAR = "|".join(  # all that this policy looks at
    [
        f"(^|/)({'|'.join(re.escape(name) for names in LOCKS.values() for name in names)})$",
        f"(^|/)({'|'.join(map(re.escape, LOCKS))})$",
        r"(^|/)([^/]*requirements[^/]*|requirements/[^/]+)\.txt$",
        f"(?i:{DEPLOYS.pattern})",
    ]
)
MANIFESTS = r"(^|/)(pyproject\.toml|package\.json|go\.mod|Cargo\.toml|composer\.json|Gemfile|pom\.xml|[^/]*requirements[^/]*\.txt|requirements/[^/]+\.txt)$"
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
    for one in manifests(project, params["skip"]):
        if one["kind"] == "requirements":
            checked.append(one["path"])
            problems += loose(one)
        else:
            checked.append(locked(one["path"], files, problems))
    for path in files:
        if basename(path) in OTHERS and re.search(OTHERS[basename(path)], read(project, path), re.M):
            checked.append(locked(path, files, problems))
    if not checked:
        return {
            "passed": True,
            "score": 100,
            "message": f"No manifest names dependencies, among {len(project.files)} files.",
        }
    if not problems:
        return {"passed": True, "score": 100, "message": f"Locked: {', '.join(checked[:5])}."}
    return judged(project, files, checked, problems)


def manifests(project, skip):
    """Those that name dependencies for which there are lock files, or are one themselves."""
    paths = [path for path in project.files.matching(MANIFESTS) if not re.search(skip, path)]
    meant = set(paths)
    found = project.get_manifests(exclude=VENDORED)  # as other policies ask: it is read once
    rest = [path for path in paths if path in found.left_out]
    for n in range(0, len(rest), PART):
        found += project.get_manifests(glob=[exactly(path) for path in rest[n : n + PART]])
    return [
        one
        for one in found
        if one["path"] in meant
        and one["kind"] != "maven"
        and any(counts(dependency) for dependency in one["dependencies"])
    ]


def exactly(path):
    """A pattern for this path alone."""
    return "/" + re.sub(r"([\\*?\[\] ])", r"\\\1", path)


def counts(dependency):
    return dependency["group"] not in NOT_LOCKED and dependency["source"] not in ("path", "workspace")


def loose(manifest):
    """What a requirements file does not pin, line by line."""
    return [
        {
            "path": manifest["path"],
            "line": one["line"],
            "message": f"does not pin {asked(one)} ({'use ==' if one['source'] == 'registry' else 'use a whole commit or a hash'})",
        }
        for one in manifest["dependencies"]
        if not one["pinned"]
    ]


def asked(one):
    """The dependency, as it is written."""
    if one["source"] == "registry":
        return one["name"] + one["spec"][:80]
    return f"{one['name']} {one['spec'][:80]}" if one["spec"].startswith("@") else one["spec"][:80]


def locked(path, files, problems):
    """What locks the manifest, for people; adds to `problems` if nothing does."""
    lock = lock_of(path, files)
    if not lock:
        names = ", ".join(LOCKS[basename(path)][:3])
        problems.append({"path": path, "line": None, "message": f"has no lock file ({names})"})
    return f"{path} by {lock}"


def judged(project, files, checked, problems):
    wrong = {one["path"] for one in problems}
    score = round(100 * (len(checked) - len(wrong)) / len(checked))
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
        "findings_left_out": len(problems[200:]),
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
