"""What Seatrial gives a policy: types for editors and type checkers.

Put this file beside your policies. It says what there is, and holds no code, so a policy imports from it only while it is checked:

    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        from seatrial_policy import Log, Params, Project, Returned

    def evaluate(project: "Project", log: "Log", params: "Params") -> "Returned": ...
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, overload

Params = dict[str, Any]
Patterns = str | Sequence[str] | None
Pattern = str | re.Pattern[str]
Class = Literal["vendored", "generated", "tests", "documentation", "development", "source"]
Severity = Literal["info", "low", "medium", "high", "critical"]

class Finding(TypedDict):
    message: str
    path: NotRequired[str]
    line: NotRequired[int | None]
    severity: NotRequired[Severity]
    fingerprint: NotRequired[str]
    fix: NotRequired[str]
    quote: NotRequired[bool]

class Returned(TypedDict):
    passed: bool
    score: NotRequired[float]
    message: NotRequired[str]
    details: NotRequired[dict[str, Any]]
    findings: NotRequired[list[Finding]]
    findings_left_out: NotRequired[int]

class Document(TypedDict):
    data: Any
    lines: dict[str, int]

class Instruction(TypedDict):
    line: int
    instruction: str
    rest: str

class Entry(TypedDict):
    kind: Literal["file", "binary", "lfs", "link", "submodule"]
    size: int | None
    readable: bool
    why: str
    target: NotRequired[str]
    head: NotRequired[str]

class FactFinding(TypedDict):
    path: str
    line: int | None
    rule: str
    severity: Severity
    confidence: str
    message: str

class Fact(TypedDict):
    tool: str
    version: str
    files: int
    left_out: dict[str, str]
    findings: list[FactFinding]
    findings_left_out: int

class User(TypedDict):
    user: str
    line: int

class Port(TypedDict):
    port: int
    to: int
    protocol: str
    line: int

class Healthcheck(TypedDict):
    line: int
    none: bool

class Stage(TypedDict):
    name: str | None
    line: int
    base: str
    from_stage: int | None
    user: User | None
    ports: list[Port]
    healthcheck: Healthcheck | None
    instructions: list[Instruction]

class Image(TypedDict):
    line: int
    instruction: str
    image: str
    repository: str
    tag: str
    digest: str
    unknown: list[str]
    template: bool

class Problem(TypedDict):
    line: int | None
    message: str

Dockerfile = TypedDict(
    "Dockerfile",
    {
        "path": str,
        "class": Class,
        "stages": list[Stage],
        "images": list[Image],
        "user": User | None,
        "errors": list[Problem],
    },
)

class DockerfileFact(TypedDict):
    tool: str
    version: str
    files: int
    left_out: dict[str, str]
    dockerfiles: list[Dockerfile]

class Licence(TypedDict):
    id: str
    line: int
    confidence: Literal["high", "medium", "low"]
    limits_use: bool

LicenceFile = TypedDict("LicenceFile", {"path": str, "class": Class, "licences": list[Licence]})

class LicenceFact(TypedDict):
    tool: str
    version: str
    files: int
    left_out: dict[str, str]
    licences: list[LicenceFile]

Runtime = TypedDict(
    "Runtime",
    {
        "path": str,
        "class": Class,
        "line": int | None,
        "product": str,
        "title": str,
        "version": str,
        "kind": Literal["image", "version file", "version", "range", "least", "workflow"],
        "cycle": str,
        "ends": str | None,
        "extended": str | None,
    },
)

class RuntimeFact(TypedDict):
    tool: str
    version: str
    files: int
    left_out: dict[str, str]
    runtimes: list[Runtime]

class Dependency(TypedDict):
    name: str
    spec: str
    group: str
    line: int | None
    source: Literal["registry", "git", "url", "path", "workspace"]
    pinned: bool
    locked: bool | None

class Manifest(TypedDict):
    path: str
    kind: Literal["pyproject", "requirements", "package", "go", "cargo", "maven", "composer", "gem"]
    name: str
    lock: str | None
    dependencies: list[Dependency]
    errors: list[Problem]

class Match(TypedDict):
    path: str
    line: int
    text: str
    match: str

class Found(TypedDict):
    found: list[Match]
    left_out: int
    files: int
    unread: dict[str, str]

class Changed(TypedDict):
    path: str
    kind: Literal["added", "modified", "deleted", "renamed"]
    old_path: str

class Diff(TypedDict):
    diff: str
    left_out: list[str]

class Commit(TypedDict):
    commit: str
    author: str
    date: str
    subject: str
    signed: bool

class Tag(TypedDict):
    name: str
    commit: str
    date: str
    annotated: bool

class Owners(TypedDict):
    pattern: str
    owners: list[str]
    line: int
    section: str

class Protection(TypedDict):
    branch: str
    protected: bool | None
    required_reviews: int | None
    required_checks: list[str] | None
    force_pushes: bool | None
    deletions: bool | None
    admins_enforced: bool | None
    code_owners: bool | None
    unknown: str

class Member(TypedDict):
    username: str
    role: str

class Contributor(TypedDict):
    username: str
    commits: int

class Metadata(TypedDict, total=False):
    name: str
    description: str
    web_url: str
    created_at: str
    updated_at: str

class Manifests(list[Manifest]):
    left_out: dict[str, str]

class Texts(Iterator[tuple[str, str]]):
    left_out: dict[str, str]
    def __iter__(self) -> Iterator[tuple[str, str]]: ...
    def __next__(self) -> tuple[str, str]: ...

class Log:
    def __call__(self, message: object, level: str = "info") -> None: ...
    def debug(self, message: object) -> None: ...
    def info(self, message: object) -> None: ...
    def warning(self, message: object) -> None: ...
    def warn(self, message: object) -> None: ...
    def error(self, message: object) -> None: ...

class PreviewService(TypedDict):
    name: str
    kind: str
    state: str
    url: str
    image: str
    image_bytes: int | None
    user: str | None
    listening: list[int] | None
    declared: list[int]
    restarts: int
    exit_code: int | None
    logs: list[str]

class Phase(TypedDict):
    name: str
    seconds: float | None

class Preview(TypedDict):
    deployment: str
    name: str
    commit: str
    state: str
    urls: dict[str, str]
    services: list[PreviewService]
    phases: list[Phase]
    warnings: list[str]
    screenshot: None

class Visited(TypedDict):
    status: int | None
    headers: dict[str, str]
    time: float
    body: str
    left_out: bool
    why: str

class Files:
    """Paths of the commit's files and symbolic links, sorted. They stay with the host, and each question about them is answered there."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, path: object) -> bool: ...
    def among(self, paths: Iterable[str]) -> set[str]:
        """those of `paths` that are there. One that ends with `/` is a folder"""
    def count(self, pattern: Pattern = "", *, unless: Pattern = "") -> int:
        """how many have a path in which RE2 finds `pattern`, and not `unless`"""
    def matching(
        self, pattern: Pattern, *, whole: bool = False, unless: Pattern = "", most: int | None = None
    ) -> list[str]:
        """those; with `whole`, `pattern` must be the path from end to end; the first `most`"""
    def sizes(self, pattern: Pattern = "", *, above: int = -1, below: int | None = None) -> dict[str, int]:
        """`{path: bytes}` of the regular files of these sizes"""
    def sizes_of(self, paths: Iterable[str]) -> dict[str, int]:
        """`{path: bytes}` of those of `paths` that are regular files"""

class Project:
    @property
    def event(self) -> Literal["push", "pull_request", "tag", "merge_queue", "manual"]:
        """what led to the evaluation: `push`, `pull_request`, `tag`, `merge_queue` or `manual`"""
    @property
    def commit(self) -> str:
        """the whole id of the commit that is evaluated. A policy that asks for it runs again at every commit"""
    @property
    def base(self) -> str:
        """the commit to compare with: the base of the pull request, or the branch's commit before the push; empty if there is none"""
    @property
    def ref(self) -> str:
        """what it is evaluated as: `refs/heads/main`"""
    @property
    def number(self) -> int | None:
        """the number of the pull request, or `None`"""
    @property
    def files(self) -> Files:
        r"""the files and symbolic links, for [repositories of any size](#large-repositories): `len(project.files)`, `path in project.files`, `project.files.matching(r"\.sql$")`. Only what is asked for leaves the host"""
    def list_files(
        self,
        *,
        glob: Patterns = None,
        exclude: Patterns = None,
        classes: Class | Sequence[Class] | None = None,
    ) -> list[str]:
        """paths of the files, sorted; symbolic links are included, submodules are not. [Which](#which-files) is decided by the host: in a large repository, choose there, or use `files`"""
    def get_file_content(self, path: str) -> str | None:
        r"""the text, or `None` when there is no such file. A symbolic link is followed, up to 5 times, while it stays within the commit. Raises `ValueError` for a binary file and for one above 1 MB. The text is decoded as UTF-8, unless the file's byte order mark says otherwise, or the file has no mark and can only be UTF-16; invalid bytes become `\ufffd`"""
    def get_files_content(self, paths: Sequence[str]) -> dict[str, str]:
        """`{path: text}` of the files that can be read; much quicker than reading them one by one"""
    def read_files(self, paths: Sequence[str]) -> Texts:
        """the same, as pairs, one after another: for whole repositories, which do not fit into a policy's memory. At the end, its attribute `left_out` says of each other path why it was not read"""
    def search(
        self,
        pattern: str,
        *,
        glob: Patterns = None,
        exclude: Patterns = None,
        classes: Class | Sequence[Class] | None = None,
    ) -> Found:
        """`{"found", "left_out", "files", "unread"}`: where `pattern` is found in [these files](#which-files), as a list of `{"path", "line", "text", "match"}` with each line once; how many more there are than the 10,000 that are listed; how many files were read; and why others were not. The host searches with [RE2](https://github.com/google/re2/wiki/Syntax), in one go: far quicker than reading the files"""
    def get_yaml(self, path: str) -> list[Document] | None:
        """`[{"data", "lines"}]`, one for each document of a YAML file (1.2, so `on` is a text); `lines` says where each value is: `{"jobs/test/steps/0": 6}`. `None` when there is no such file. Raises `ValueError` for what is no YAML, and above 100,000 characters"""
    def get_instructions(self, path: str) -> list[Instruction] | None:
        """`[{"line", "instruction", "rest"}]` of a Dockerfile: continued lines joined, comments and heredocs left out. `None` when there is no such file"""
    def get_manifests(
        self,
        *,
        glob: Patterns = None,
        exclude: Patterns = None,
        classes: Class | Sequence[Class] | None = None,
    ) -> Manifests:
        """`[{"path", "kind", "name", "lock", "dependencies", "errors"}]` of what [these files](#which-files) say that the project depends on: `pyproject.toml`, requirements files, `package.json`, `go.mod`, `Cargo.toml`, `pom.xml`, `composer.json`, `Gemfile`. A dependency is `{"name", "spec", "group", "line", "source", "pinned", "locked"}`, and [`locked`](#manifests) says whether a lock file knows it. Of more than 2,000, those nearest to the root are read; its attribute `left_out` says of each other path why it was not"""
    @overload
    def fact(self, name: Literal["zizmor", "kingfisher"]) -> Fact:
        """what is known of the commit by this name: what a [tool](#facts) found (`zizmor`, `kingfisher`), or what was [read](#what-is-read) for all policies (`dockerfile`, `licences`, `runtimes`). All have `tool`, `version`, `files` and `left_out`. A tool that breaks makes the policy errored, whatever the policy does about it"""
    @overload
    def fact(self, name: Literal["dockerfile"]) -> DockerfileFact: ...
    @overload
    def fact(self, name: Literal["licences"]) -> LicenceFact: ...
    @overload
    def fact(self, name: Literal["runtimes"]) -> RuntimeFact: ...
    def get_entry(self, path: str) -> Entry | None:
        """`{"kind", "size", "readable", "why"}` of what is at this path, or `None`. Kinds: `file`, `binary`, `lfs` (a pointer to a file that Git LFS keeps), `link` (with its `target`), `submodule`; `why` says why it cannot be read; a binary file, or one above 1 MB (and up to 10), has a `head` then: its first 16 bytes, in hexadecimal"""
    def get_class(self, path: str) -> Class:
        """what the path is [for](#which-files)"""
    def get_file_sizes(self) -> dict[str, int]:
        """`{path: bytes}`"""
    def get_languages(self) -> dict[str, float]:
        """`{name: percent}`, with one decimal, the largest share first; the names, and what is left out (data, prose, documentation, vendored code), follow [linguist](https://github.com/github-linguist/linguist)"""
    def get_changed_files(self) -> list[Changed] | None:
        """`[{"path", "kind", "old_path"}]` of what is changed since the commit left its base; kinds: `added`, `modified`, `deleted`, `renamed`. `None` without a base. Raises `ValueError` above 20,000 files"""
    def get_diff(self, path: str | None = None) -> Diff | None:
        """`{"diff", "left_out"}`: the unified diff of all these files, or of one, up to 1 MB, and the paths of those for which there was no room. `None` without a base"""
    def get_history(self, limit: int = 100) -> list[Commit]:
        """`[{"commit", "author", "date", "subject", "signed"}]` of the commits that are not in the base, newest first; without a base, of the newest. At most 1,000. `signed`: it carries a signature, which nobody has checked"""
    def get_tags(self, limit: int = 100) -> list[Tag]:
        """`[{"name", "commit", "date", "annotated"}]` of the tags of this commit and of those before it, the newest commit first, as the repository has them now: all of its tags are listed by git, whatever code host it is. At most 1,000. `date` is the commit's; `annotated`: the tag has a text of its own. Tags elsewhere, and of files, are left out. A policy that asks runs again when a tag comes or goes"""
    def get_file_last_commit_date(self, path: str) -> str | None:
        """ISO 8601, or `None`"""
    def get_contributors(self) -> list[Contributor]:
        """`[{"username", "commits"}]`, most commits first, from git"""
    def get_code_owners(self) -> list[Owners]:
        """`[{"pattern", "owners", "line", "section"}]` of the `CODEOWNERS` file (in `.github`, `.gitlab`, `.gitea`, `.forgejo`, the root or `docs`: the first of these), in its order"""
    def owners_of(self, path: str) -> list[str]:
        """who owns this path by that file, as the code host reads it (at Gitea and Forgejo, its patterns are regular expressions); empty: nobody"""
    def get_members(self) -> list[Member]:
        """`[{"username", "role"}]`, from the forge"""
    def get_default_branch(self) -> str:
        """the branch that pull requests go to, from the forge"""
    def get_branch_protection(self, branch: str | None = None) -> Protection | None:
        """`{"branch", "protected", "required_reviews", "required_checks", "force_pushes", "deletions", "admins_enforced", "code_owners", "unknown"}` of the default branch, from the forge. `force_pushes` and `deletions`: whether those who push may do that; `admins_enforced`: whether admins must keep to it; `code_owners`: whether one of them must approve. What the connection's credential may not read is `None`, and `unknown` says why. `None` instead of all: the forge was not asked yet. Raises `ValueError` for another branch"""
    def get_topics(self) -> list[str]:
        """the project's topics, from the forge"""
    def get_metadata(self) -> Metadata:
        """`name`, `description`, `web_url`, `created_at`, `updated_at`, as far as the forge knows them"""
    @property
    def preview(self) -> Preview:
        """for [live policies](#live-policies): `{"name", "commit", "state", "urls", "services", "phases", "warnings", "screenshot"}` of the running preview, as it was when the policies were sent off. `urls` are by service; `services` a list of `{"name", "kind", "state", "url", "image", "image_bytes", "user", "listening", "declared", "restarts", "exit_code", "logs"}`, `phases` of `{"name", "seconds"}`; `screenshot` is `None`, because nobody takes one"""
    def visit(
        self,
        path: str,
        service: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        method: Literal["GET", "HEAD"] = "GET",
    ) -> Visited:
        """for [live policies](#live-policies): `{"status", "headers", "time", "body", "left_out", "why"}` of what a visitor of the preview gets there now. Never remembered, never followed elsewhere"""
