"""What each path of a repository is for, decided once for all policies, from linguist's data and the rules below.

A path is of the first of these classes whose rule it meets:

- `vendored`: somebody else's code, below a folder for it (`node_modules`, `vendor`, `third_party`, `.venv`, ...)
- `generated`: written by a program: lock files, minified files, what linguist knows as generated
- `tests`: tests, and what only they read (`tests/`, `fixtures/`, `testdata/`, `test_x.py`, `x.spec.ts`, `XTest.java`)
- `documentation`: what linguist counts as documentation, and `examples/`, `demos/`, `samples/`
- `development`: what builds, checks and releases the project, and is no part of it (`.github/`, `scripts/`, `Makefile`, `tox.ini`)
- `source`: everything else
"""

import functools
import re
from collections.abc import Callable

from seatrial.linguist import data

CLASSES = ("vendored", "generated", "tests", "documentation", "development", "source")
MAX_PATH = 1_000  # characters; matching time grows with their square, and real file names are shorter
_LINGUISTS_VENDORED = re.compile(data()["vendored"])
_LINGUISTS_GENERATED = re.compile(data()["generated"])
_DOCUMENTATION = re.compile(
    data()["documentation"] + r"|(?:^|/)(?:docs?|examples?|demos?|samples?)/", re.IGNORECASE
)
_VENDORED = re.compile(
    r"(?:^|/)(?:node_modules|vendors?|third[-_]?party|3rd[-_]?party|bower_components|site-packages|Godeps|Carthage|Pods|\.?venv"
    r"|\.yarn/(?:releases|plugins|sdks|unplugged))/",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"(?:[-.]min\.(?:js|css|mjs)|\.map|\.pb\.go|_pb2(?:_grpc)?\.pyi?|\.g\.dart|\.generated\.\w+)$|(?:^|/)(?:go\.sum|dist|__pycache__)(?:/|$)"
)
_TESTS = re.compile(
    r"(?:^|/)(?:(?:unit|integration|e2e|acceptance|functional)?[-_]?(?:tests?|specs?)|__tests__|__mocks__|__snapshots__|mocks|testing|"
    r"test[-_]?data|fixtures?|e2e|cypress)/"
    r"|(?:^|/)(?:tests?|conftest|test_[^/]*|[^/]*_tests?)\.[^/.]+$"
    r"|[.-](?:test|spec|e2e|cy)s?\.[^/.]+$",
    re.IGNORECASE,
)
_TESTS_BY_CASE = re.compile(
    r"(?:^|/)[^/]*[a-z0-9](?:Tests?|Spec|IT)\.(?:java|kt|kts|groovy|scala|cs|fs|vb|swift|php|m)$"
)
# What linguist counts as vendored, and people write.
_WRITTEN = re.compile(
    r"(?:^|/)(?:\.(?:github|vscode|idea|teamcity|obsidian)/|\.git(?:attributes|ignore|modules)$|Jenkinsfile$|Vagrantfile$|fabfile\.py$|"
    r"\.osx$|\.gitpod\.Dockerfile$|configure$|cache/|env/|admin_media/|debian/|deps/|[Dd]ependencies/|testdata/|"
    r"(?:[Tt]ests?|[Ss]pecs?)/fixtures/|.*\.(?:d\.ts)$|import\.(?:css|less|scss|styl)$)|^(?:deps|debian)/",
)
_DEVELOPMENT = re.compile(
    r"^(?:\.github|\.gitlab|\.gitea|\.forgejo|\.circleci|\.buildkite|\.teamcity|\.devcontainer|\.vscode|\.idea|\.husky|\.config|ci|scripts?|"
    r"tools?|tooling|hack|dev|build[-_]?tools|benchmarks?)/"
    r"|(?:^|/)(?:Makefile|GNUmakefile|justfile|Taskfile\.ya?ml|Rakefile|Jenkinsfile|Vagrantfile|noxfile\.py|tox\.ini|fabfile\.py|setup\.py|"
    r"\.pre-commit-config\.ya?ml|\.gitlab-ci\.yml|\.travis\.yml|azure-pipelines\.yml|\.editorconfig|\.git(?:attributes|ignore|modules)|"
    r"\.[\w-]+rc(?:\.\w+)?|[\w.-]+\.config\.(?:js|cjs|mjs|ts))$"
)


@functools.lru_cache(maxsize=300_000)
def class_of(path: str) -> str:
    """One of CLASSES."""
    if len(path) > MAX_PATH:
        return "source"
    return next((name for name, meets in _RULES if meets(path)), "source")


def _is_generated(path: str) -> bool:
    return bool(_GENERATED.search(path) or _LINGUISTS_GENERATED.search(path))


def _is_test(path: str) -> bool:
    return bool(_TESTS.search(path) or _TESTS_BY_CASE.search(path))


def _is_vendored_by_linguist(path: str) -> bool:
    return bool(_LINGUISTS_VENDORED.search(path) and not _WRITTEN.search(path))


_RULES: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("vendored", _VENDORED.search),
    ("generated", _is_generated),
    ("tests", _is_test),
    ("vendored", _is_vendored_by_linguist),
    ("documentation", _DOCUMENTATION.search),
    ("development", _DEVELOPMENT.search),
)
