"""No large files in git, where every clone pays for them for ever.

Files kept by Git LFS count with the size of their pointers. Parameters: `limit_kb`, and `allow`, a list of paths or
patterns such as "docs/*.pdf".
"""

import re
from fnmatch import fnmatch
from posixpath import basename

NAME = "No large files"
PARAMS = {"limit_kb": 1024, "allow": []}
TESTS = [
    {"name": "small", "input": {"files": {"a": "x"}}, "expected": {"passed": True, "score": 100}},
    {"name": "large", "input": {"files": {"a.bin": "x"}, "get_file_sizes": {"a.bin": 2000000, "b.bin": 5}}, "expected": {"passed": False, "findings": [{"path": "a.bin"}]}},
    {"name": "allowed", "input": {"get_file_sizes": {"docs/a.pdf": 2000000}}, "params": {"allow": ["docs/*.pdf"]}, "expected": {"passed": True}},
    {"name": "a lower limit", "input": {"get_file_sizes": {"a": 3000}}, "params": {"limit_kb": 1}, "expected": {"passed": False, "score": 80}},
]  # fmt: skip

LOCKS = {
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "uv.lock",
    "poetry.lock", "pdm.lock", "Cargo.lock", "composer.lock", "Gemfile.lock", "go.sum", "flake.lock",
    "Pipfile.lock", "pylock.toml", "pixi.lock", "mix.lock", "pubspec.lock", "deno.lock", "Podfile.lock",
    "Package.resolved", "packages.lock.json",
}  # fmt: skip

TOOLS = re.compile(r"(^|/)(\.yarn/(releases|plugins|sdks)/|\.pnp\.)")  # which Yarn wants committed


def evaluate(project, params):
    limit = params["limit_kb"] * 1024
    large = [
        (size, path)
        for path, size in project.files.sizes(above=limit).items()
        if not expected(path) and not any(fnmatch(path, p) for p in params["allow"])
    ]
    large.sort(reverse=True)
    if not large:
        message = f"No file is larger than {params['limit_kb']:,} kB. Files: {len(project.files)}."
        return {"passed": True, "score": 100, "message": message}
    shown = ", ".join(f"{path} ({size / 2**20:.1f} MB)" for size, path in large[:5])
    more = f" and {len(large) - 5} more" if len(large) > 5 else ""
    return {
        "passed": False,
        "score": max(0, 100 - 20 * len(large)),
        "message": f"Larger than {params['limit_kb']:,} kB: {shown}{more}. Keep them in Git LFS or outside git.",
        "findings": [
            {"path": path, "message": f"{size:,} bytes", "severity": "medium"} for size, path in large[:200]
        ],
        "findings_left_out": len(large[200:]),
    }


def expected(path):
    return basename(path) in LOCKS or TOOLS.search(path)
