"""What a project says that it depends on, read by the host."""

import json
import time
from typing import Any

import pytest

from seatrial.agent.sandboxes import dependencies
from seatrial.agent.sandboxes.documents import manifests
from seatrial.agent.sandboxes.documents.manifests import kind_of, lock_of, locked, manifest
from seatrial.agent.sandboxes.literals import Literals

Row = tuple[str, str, str, int | None, bool | None]


def rows(path: str, text: str, lock: str | None = None) -> list[Row]:
    found = manifest(path, text, None if lock is None else locked(kind_of(path), lock))
    assert not found["errors"]
    return [
        (one["name"], one["spec"], one["group"], one["line"], one["locked"]) for one in found["dependencies"]
    ]


PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
[project]
name = "ship"
dependencies = [
    "Django>=5.2,<6",
    "httpx",
]
[project.optional-dependencies]
fast = ["uvloop; sys_platform != 'win32'"]
[dependency-groups]
dev = ["pytest", {include-group = "x"}]
[tool.poetry.dependencies]
python = "^3.11"
rich = {git = "https://code.example/rich"}
"""


def test_pyproject_with_its_lock_file() -> None:
    lock = '[[package]]\nname = "django"\nversion = "5.2"\n[[package]]\nname = "rich"\n'
    assert rows("pyproject.toml", PYPROJECT, lock) == [
        ("django", "<6,>=5.2", "main", 6, True),
        ("httpx", "", "main", 7, False),
        ("setuptools", ">=77", "build", 2, False),
        ("uvloop", "", "fast", 10, False),
        ("pytest", "", "dev", 12, False),
        ("rich", "git https://code.example/rich", "main", 15, True),
    ]


def test_requirements_are_locked_where_they_are_exact() -> None:
    text = "# all\nDjango==5.2 \\\n  --hash=sha256:00\nhttpx>=0.28  # newer\n-r other.txt\n-e git+https://code.example/a@main#egg=A_b\n"
    assert rows("requirements/base.txt", text) == [
        ("django", "==5.2", "main", 2, True),
        ("httpx", ">=0.28", "main", 4, False),
        ("a-b", "git+https://code.example/a@main#egg=A_b", "main", 6, False),
    ]


def test_package_json_with_the_lock_files_of_three_programs() -> None:
    text = '{\n "name": "ship",\n "dependencies": {\n  "left": "^1"\n },\n "devDependencies": {"@a/b": "*", "left-x": "1"}\n}'
    expected = [("left", "^1", "main", 4), ("@a/b", "*", "dev", 6), ("left-x", "1", "dev", 6)]
    npm = json.dumps({"packages": {"": {}, "node_modules/left": {}, "node_modules/@a/b": {}}})
    yarn = '"@a/b@*":\n  version "1"\n\nleft@^1, left@1:\n  version "1"\n'
    pnpm = "packages:\n  '@a/b@1.0.0':\n    resolution: {}\n  left@1.0.0:\n    resolution: {}\n"
    for lock in (npm, yarn, pnpm):
        found = rows("package.json", text, lock)
        assert [row[:4] for row in found] == expected and [row[4] for row in found] == [True, True, False]


def test_go_mod() -> None:
    text = "module code.example/ship\n\ngo 1.24\n\nrequire (\n\ta.example/b v1.2.0\n\tc.example/d v0.1.0 // indirect\n)\nrequire e.example/f v2.0.0+incompatible\n"
    assert rows("go.mod", text, "a.example/b v1.2.0 h1:x=\n") == [
        ("a.example/b", "v1.2.0", "main", 6, True),
        ("c.example/d", "v0.1.0", "indirect", 7, False),
        ("e.example/f", "v2.0.0+incompatible", "main", 9, False),
    ]


def test_cargo() -> None:
    text = '[package]\nname = "ship"\n[dependencies]\nserde = "1"\nours = { git = "https://code.example/o", branch = "main" }\n[target."cfg(unix)".dev-dependencies]\nnix = { version = "0.29" }\n'
    assert rows("Cargo.toml", text, '[[package]]\nname = "serde"\n') == [
        ("serde", "1", "main", 4, True),
        ("ours", "git https://code.example/o branch main", "main", 5, False),
        ("nix", "0.29", "dev", 7, False),
    ]


POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><groupId>g</groupId><artifactId>ship</artifactId>
<properties><j>5.1</j></properties>
<dependencies>
<dependency><groupId>a</groupId><artifactId>b</artifactId><version>${j}</version><scope>test</scope></dependency>
</dependencies>
</project>"""


def test_pom_with_properties_of_its_own() -> None:
    assert rows("pom.xml", POM) == [("a:b", "5.1", "test", 4, None)]
    assert manifest("pom.xml", POM, None)["name"] == "g:ship"


def test_composer_and_gemfile() -> None:
    assert rows(
        "composer.json", '{"require": {"php": "^8", "a/b": "^1"}}', '{"packages": [{"name": "a/b"}]}'
    ) == [("a/b", "^1", "main", 1, True)]
    gems = 'source "x"\ngem "rails", "~> 8.0", ">= 8.0.1"\ngroup :development, :test do\n  gem "debug"\nend\n'
    assert rows("Gemfile", gems, "GEM\n  specs:\n    rails (8.0.2)\n") == [
        ("rails", "~> 8.0, >= 8.0.1", "main", 2, True),
        ("debug", "", "development test", 4, False),
    ]


@pytest.mark.parametrize(("path", "text", "line", "why"), [
    ("pyproject.toml", "a = 1\nb = [", 2, "not valid TOML"),
    ("pyproject.toml", '[project]\ndependencies = [\n"a b c"]', 3, "is no requirement"),
    ("requirements.txt", "x\n=nonsense\n", 2, "is no requirement"),
    ("package.json", '{\n"a": }', 2, "not valid JSON"),
    ("package.json", "[]", 1, "not a JSON object"),
    ("go.mod", "require (\n nonsense\n)\n", 2, "no module and version"),
    ("pom.xml", '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n<project>&b;</project>', 2, "declares"),
    ("pom.xml", "<project>\n<a></b></project>", 2, "not valid XML"),
    ("Gemfile", "x\ngem name\n", 2, "not written"),
])  # fmt: skip
def test_what_cannot_be_read_is_an_error_with_its_line(path: str, text: str, line: int, why: str) -> None:
    [error] = manifest(path, text, None)["errors"]
    assert error["line"] == line and why in error["message"]


@pytest.mark.parametrize("path", ["pyproject.toml", "package.json", "Cargo.toml", "composer.json"])
@pytest.mark.parametrize("text", [
    '{"dependencies": 1, "require": [1], "name": {}}', 'project = 1\ndependencies = "x"\n', "[" * 5000, "\0", "",
    '[project]\ndependencies = [1, {}]\n[tool]\npoetry = []\n', '[target]\na = 1\n[workspace]\ndependencies = 2\n',
])  # fmt: skip
def test_no_shape_breaks_a_reader(path: str, text: str) -> None:
    assert manifest(path, text, locked(kind_of(path), "[" * 3000))["path"] == path


def test_the_nearest_lock_file_above_counts() -> None:
    present = dict.fromkeys(["package-lock.json", "apps/web/package.json", "apps/yarn.lock", "uv.lock"])
    assert lock_of("apps/web/package.json", present) == "apps/yarn.lock"
    assert lock_of("tools/package.json", present) == "package-lock.json"
    assert lock_of("apps/pyproject.toml", present) == "uv.lock" and lock_of("pom.xml", present) is None


async def ask(files: dict[str, Any], *choice: list[str]) -> Any:
    value, seen = await Literals({"files": files}).answer(["get_manifests", list(choice)])
    assert len(seen) == 1
    return value["manifests"], seen[0][1]


async def test_policies_choose_manifests_and_are_told_what_cannot_be_read() -> None:
    files = {
        "a/package.json": "{}",
        "b/requirements-dev.txt": "x\n",
        "go.mod": {"base64": "iVBORw0KGgoAAAANSUhEUg=="},
        "README.md": "x",
    }
    found, digest = await ask(files)
    assert [one["path"] for one in found] == ["a/package.json", "b/requirements-dev.txt", "go.mod"]
    assert found[2]["errors"] == [{"line": None, "message": "a binary file"}]
    only, other = await ask(files, ["a/"], [], [])
    assert [one["path"] for one in only] == ["a/package.json"] and other != digest
    assert (await ask({**files, "README.md": "y"}))[1] == digest
    assert (await ask({**files, "a/yarn.lock": ""}))[1] != digest


async def test_of_too_many_those_nearest_to_the_root_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "MOST_MANIFESTS", 3)
    files = {"go.mod": "", "z/go.mod": "", "a/go.mod": "", **{f"a/b{n}/go.mod": "" for n in range(4)}}
    value, [(_, digest)] = await Literals({"files": files}).answer(["get_manifests", []])
    assert [one["path"] for one in value["manifests"]] == ["a/go.mod", "go.mod", "z/go.mod"]
    assert value["left_out"] == {f"a/b{n}/go.mod": dependencies.TOO_MANY for n in range(4)}
    [(_, other)] = (await Literals({"files": {**files, "a/b9/go.mod": ""}}).answer(["get_manifests", []]))[1]
    assert other != digest


async def test_of_too_many_dependencies_the_rest_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "MOST_TOGETHER", 2)
    files = {f"{n}/requirements.txt": "a\nb\n" for n in range(3)}
    value, _ = await Literals({"files": files}).answer(["get_manifests", []])
    assert [one["path"] for one in value["manifests"]] == ["0/requirements.txt"]
    assert set(value["left_out"].values()) == {dependencies.TOO_MUCH}


async def test_the_lock_file_of_a_monorepo_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    reader = manifests.LOCKED["package"]
    monkeypatch.setitem(manifests.LOCKED, "package", lambda text: read.append(text) or reader(text))
    lock = '{"packages": {"node_modules/a": {"version": "1.0.0"}}}'
    files = {
        "package-lock.json": lock,
        **{f"web/{n}/package.json": '{"dependencies": {"a": "1.0.0"}}' for n in range(9)},
    }
    found, _ = await ask(files)
    assert len(read) == 1 and all(one["dependencies"][0]["locked"] for one in found) and len(found) == 9


H = "0a" * 20


@pytest.mark.parametrize(("path", "text", "sources"), [
    ("requirements.txt", f"a==1\nb>=1\nc==1.*\nd @ https://x.test/d.zip\ne @ git+https://x.test/e@{H}\n-e git+https://x.test/f@main#egg=f\ng @ file:./g\n-e .\n-e .[dev]\n",
     [("registry", True), ("registry", False), ("registry", False), ("url", False), ("git", True), ("git", False), *[("path", True)] * 3]),
    ("package.json", json.dumps({"dependencies": {"a": "1.2.3", "b": "^1", "c": "x/y", "d": f"git+ssh://git@x.test/d.git#{H}", "e": "https://x.test/e.tgz", "f": "file:../f", "g": "workspace:*", "h": "npm:i@1.0.0", "j": "*"}}),
     [("registry", True), ("registry", False), ("git", False), ("git", True), ("url", False), ("path", True), ("workspace", True), ("registry", True), ("registry", False)]),
    ("pyproject.toml", "[project]\ndependencies = ['a', 'b==1.0', 'c']\n[tool.uv.sources]\na = {git = 'https://x.test/a', tag = 'v1'}\nc = {workspace = true}\n[tool.poetry.dependencies]\nd = '1.0.0'\ne = {path = '../e'}\n",
     [("git", False), ("registry", True), ("workspace", True), ("registry", True), ("path", True)]),
    ("Cargo.toml", f"[dependencies]\na = '1'\nb = '=1.2.3'\nc = {{git = 'https://x.test/c', rev = '{H}'}}\nd = {{path = 'd'}}\ne.workspace = true\n",
     [("registry", False), ("registry", True), ("git", True), ("path", True), ("workspace", True)]),
    ("go.mod", "require a.test/b v1.0.0\nreplace (\n\ta.test/b => ../b\n\ta.test/c v1.0.0 => a.test/d v1.1.0\n)\n", [("registry", True), ("path", True), ("registry", True)]),
    ("composer.json", '{"require": {"a/b": "1.2.3", "a/c": "dev-main", "a/d": "^1"}}', [("registry", True), ("git", False), ("registry", False)]),
    ("Gemfile", f"gem 'a', '1.2'\ngem 'b', '~> 1.2'\ngem 'c', github: 'x/c'\ngem 'd', git: 'https://x.test/d', ref: '{H}'\ngem 'e', path: './e'\n",
     [("registry", True), ("registry", False), ("git", False), ("git", True), ("path", True)]),
])  # fmt: skip
def test_where_dependencies_come_from_and_which_are_one_version(
    path: str, text: str, sources: list[tuple[str, bool]]
) -> None:
    found = manifest(path, text, None)
    assert [(one["source"], one["pinned"]) for one in found["dependencies"]] == sources and not found[
        "errors"
    ]


@pytest.mark.parametrize(("path", "text"), [
    ("requirements.txt", "a" + " " * 400_000 + "b"), ("Gemfile", "group " + " " * 400_000 + "x"), ("pyproject.toml", "\n" * 400_000 + "[project]\ndependencies = ['a']"),
    ("pom.xml", "<project><dependencies><dependency><artifactId>b</artifactId><version>" + "a1" * 200_000 + "!</version></dependency></dependencies></project>"),
    ("package.json", json.dumps({"dependencies": {"a": "git" + " " * 400_000}})), ("go.mod", "replace a" + " " * 400_000), ("Cargo.toml", "[dependencies]\n" + " " * 400_000 + "a = 'x'"),
])  # fmt: skip
def test_no_manifest_takes_long(path: str, text: str) -> None:
    began = time.process_time()
    manifest(path, text, None if path in ("requirements.txt", "pom.xml") else locked(kind_of(path), text))
    assert time.process_time() - began < 20  # of the processor, many times what it takes
