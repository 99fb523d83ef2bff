"""Which versions of lock files fit what manifests ask for: plain values."""

import pytest

from seatrial.agent.sandboxes.documents.manifests import kind_of, manifest
from seatrial.agent.sandboxes.documents.manifests import locked as known
from seatrial.agent.sandboxes.documents.manifests.versions import fits


@pytest.mark.parametrize(
    ("kind", "spec", "version", "expected"),
    [
        ("pyproject", ">=2,<3", "2.9.1", True), ("pyproject", ">=3", "2.9.1", False), ("pyproject", "==2.*", "2.0rc1", True),
        ("pyproject", "^1.2", "1.9", True), ("pyproject", "^1.2", "2.0", False), ("pyproject", "~=1.4", "1.5.0", True),
        ("pyproject", "*", "1", True), ("pyproject", "", "1", True), ("pyproject", ">=1", "main", True),
        ("go", "v1.2.3", "v1.2.3", True), ("go", "v1.2.4", "v1.2.3", False), ("go", "", "v1.2.3", True),
        ("cargo", "1.2", "1.9.0", True), ("cargo", "1.2", "1.1.9", False), ("cargo", "0.3", "0.4.0", False), ("cargo", "0.0.3", "0.0.4", False),
        ("cargo", "0", "0.9.9", True), ("cargo", "=1.2.3", "1.2.4", False), ("cargo", ">=1, <3", "2.0.0", True), ("cargo", "*", "2.0.0", True),
        ("cargo", "1.2", "1.2.0-beta.1", True), ("cargo", "1.2", "1.2.7+build", True), ("cargo", "^2", "1.0.0", False),
        ("composer", "^7.0", "v7.4.1", True), ("composer", "^7.0", "6.4.1", False), ("composer", "7.0", "6.0", True), ("composer", "^7", "dev-main", True),
        ("gem", "~> 7.0", "7.2.1", True), ("gem", "~> 7.0", "8.0", False), ("gem", "~> 7.0.4", "7.1.0", False), ("gem", ">= 7", "6", True),
        ("gem", "~> 1.2", "1.16.0-x86_64-linux", True), ("package", "^1", "2.0.0", True), ("cargo", "9" * 5_000, "1", False),
    ],
)  # fmt: skip
def test_a_version_fits_where_it_is_asked_for_or_nobody_knows(
    kind: str, spec: str, version: str, expected: bool
) -> None:
    assert fits(kind, spec, {version}) is expected
    assert fits(kind, spec, set()) is True


@pytest.mark.parametrize(
    ("path", "text", "lock", "locked"),
    [
        ("pyproject.toml", '[project]\nname = "a"\ndependencies = ["x>=2", "y"]\n', '[[package]]\nname = "x"\nversion = "1"\n', [False, False]),
        ("Cargo.toml", '[dependencies]\nx = "2"\ny = "1"\n', '[[package]]\nname = "x"\nversion = "1.0.0"\n[[package]]\nname = "x"\nversion = "2.1.0"\n[[package]]\nname = "y"\nversion = "0.9.0"\n', [True, False]),
        ("go.mod", "module a\nrequire x.test/b v1.1.0\n", "x.test/b v1.0.0 h1:a=\nx.test/b v1.0.0/go.mod h1:b=\n", [False]),
        ("composer.json", '{"require": {"a/b": "^2.0"}}', '{"packages": [{"name": "a/b", "version": "v1.0.0"}]}', [False]),
        ("Gemfile", "gem 'rails', '~> 7.0'\n", "GEM\n  specs:\n    rails (6.1.0)\n", [False]),
        ("Gemfile", "gem 'rails', '~> 7.0'\n", "GEM\n  specs:\n    rails (7.1.0)\n", [True]),
    ],
)  # fmt: skip
def test_a_dependency_is_locked_by_a_version_that_fits(
    path: str, text: str, lock: str, locked: list[bool]
) -> None:
    assert [
        one["locked"] for one in manifest(path, text, known(kind_of(path), lock), "lock")["dependencies"]
    ] == locked
