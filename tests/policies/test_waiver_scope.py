"""What a waiver covers is decided from the findings, and from nothing else."""

import pytest

from seatrial.control.policies.errors import BadWaiver
from seatrial.control.policies.waivers.scope import Scope, covers, scope
from seatrial.wire.evaluations import Finding

WHOLE, VENDOR, KEYS = Scope(), Scope(path="vendor"), Scope(path="docs/keys.md")


def found(*paths: str, fingerprint: str = "") -> list[Finding]:
    return [Finding(path=path, line=1, fingerprint=fingerprint) for path in paths]


@pytest.mark.parametrize(
    ("scopes", "findings", "used"),
    [
        ([WHOLE], [], [WHOLE]),
        ([VENDOR, WHOLE], found("vendor/a"), [WHOLE]),
        ([VENDOR], found("vendor/a", "vendor/b/c"), [VENDOR]),
        ([VENDOR, KEYS], found("vendor/a", "docs/keys.md"), [VENDOR, KEYS]),
        ([VENDOR, KEYS], found("vendor/a"), [VENDOR]),
        ([VENDOR], found("vendor/a", "src/a"), None),
        ([VENDOR], found("vendored/a"), None),
        ([VENDOR], [], None),
        ([VENDOR], [Finding(message="somewhere")], None),
        ([Scope(fingerprint="f1")], found("a", fingerprint="f1"), [Scope(fingerprint="f1")]),
        ([Scope(fingerprint="f1")], found("a", fingerprint="f1") + found("a", fingerprint="f2"), None),
        ([], found("vendor/a"), None),
        ([], [], None),
    ],
)
def test_scopes_cover_a_failure_when_they_cover_everything_that_was_found(
    scopes: list[Scope], findings: list[Finding], used: list[Scope] | None
) -> None:
    assert covers(scopes, findings) == used


@pytest.mark.parametrize(
    ("path", "normal"), [(" ./vendor/ ", "vendor"), ("a//b/../c", "a/c"), ("..a", "..a"), ("", "")]
)
def test_a_path_is_one_of_the_repository(path: str, normal: str) -> None:
    assert scope(path, "") == Scope(path=normal)


@pytest.mark.parametrize(
    "path", ["/etc", "..", "../x", "a/../..", ".", "./", "a\x1b[2J", "a\u202eb", "x" * 1001]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(BadWaiver):
        scope(path, "")


def test_a_path_and_a_fingerprint_are_two_waivers() -> None:
    with pytest.raises(BadWaiver, match="Ask for two"):
        scope("a", "f")
