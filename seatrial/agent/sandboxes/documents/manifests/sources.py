"""Where a dependency comes from, and whether what is written chooses exactly one version of it."""

import re

LONGEST = 1_000  # characters of what is written
GIT = re.compile(
    r"^(git|hg|svn|bzr)[ +:]|^(git@|ssh://)|^(github|gitlab|bitbucket|gist):|\.git([#@?]|$)|\bgit(hub|lab)?[\"']?\s*(:|=>)\s*[\"']"
    r"|^dev-|^https?://(www\.)?(github|gitlab|bitbucket)\.\w+/[^/]+/[^/]+(#|$)",
)
OF_CODE_HOST = re.compile(r"^[\w.-]+/[\w.-]+(#.*)?$")  # npm's short form of a project at GitHub
PATH = re.compile(r"^(path |file:|link:|portal:|\.{1,2}(?:/|\[|$)|/|~/)|\bpath[\"']?\s*(:|=>)\s*[\"']")
URL = re.compile(r"^(https?|ftp)://|^url ")
WORKSPACE = re.compile(r"^workspace\b")
COMMIT = re.compile(r"(?<![0-9a-f])([0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])|\bsha(256|384|512)[=:-]")
EXACT: dict[str, re.Pattern[str]] = {
    "requirements": re.compile(r"^={2,3}\s*[^*,\s]+$"),
    "pyproject": re.compile(r"^(={2,3}\s*[^*,\s]+|\d[\w.+!-]*)$"),  # the second is Poetry's
    "package": re.compile(r"^(npm:.+@)?=?\s*v?\d+\.\d+\.\d+([-+][\w.+-]+)?$"),
    "go": re.compile(r"^v\d"),
    "cargo": re.compile(r"^=\s*\d+\.\d+\.\d+[\w.+-]*$"),
    "maven": re.compile(r"^\[?\d[^,()\s]*(?<!SNAPSHOT)\]?$|^[A-Za-z]+[\w.-]*\d[\w.-]*(?<!SNAPSHOT)$"),
    "composer": re.compile(r"^=?v?\d+(\.\d+)+(-[\w.]+)?$"),
    "gem": re.compile(r"^(=\s*)?\d+(\.\w+)*$"),
}


def source_of(kind: str, spec: str) -> str:
    """One of registry, git, url, path, workspace. A version that is left to others (an empty one) is a registry's."""
    said = spec[:LONGEST].removeprefix("@").strip()
    if WORKSPACE.match(said):
        return "workspace"
    if PATH.search(said):
        return "path"
    if GIT.search(said) or (kind == "package" and OF_CODE_HOST.match(said)):
        return "git"
    return "url" if URL.match(said) else "registry"


def is_pinned(kind: str, source: str, spec: str) -> bool:
    """Whether only one version can be meant: an exact one, a whole commit, something with a checksum, or what is in the repository."""
    if source in ("path", "workspace"):
        return True
    if source in ("git", "url"):
        return bool(COMMIT.search(spec[:LONGEST]))
    return len(spec) < LONGEST and bool(EXACT[kind].match(spec.strip()))
