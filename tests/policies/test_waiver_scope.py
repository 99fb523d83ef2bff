"""What a waiver covers is decided from the findings, and from nothing else."""

from typing import Any

import pytest

from seatrial.control.policies.errors import BadWaiver
from seatrial.control.policies.waivers.scope import Scope, covers, scope

WHOLE, VENDOR, KEYS = Scope(), Scope(path="vendor"), Scope(path="docs/keys.md")


def found(*paths: str, **more: Any) -> dict[str, Any]:
    return {"findings": [{"file": path, "line": 1} for path in paths], **more}


@pytest.mark.parametrize(
    ("scopes", "details", "used"),
    [
        ([WHOLE], {}, [WHOLE]),
        ([VENDOR, WHOLE], found("vendor/a"), [WHOLE]),
        ([VENDOR], found("vendor/a", "vendor/b/c"), [VENDOR]),
        ([KEYS], {"findings": [{"path": "docs/keys.md"}]}, [KEYS]),
        ([VENDOR, KEYS], found("vendor/a", "docs/keys.md"), [VENDOR, KEYS]),
        ([VENDOR, KEYS], found("vendor/a"), [VENDOR]),
        ([VENDOR], found("vendor/a", "src/a"), None),
        ([VENDOR], found("vendored/a"), None),
        ([VENDOR], {}, None),
        ([VENDOR], {"findings": []}, None),
        ([VENDOR], {"findings": "vendor/a"}, None),
        ([VENDOR], {"findings": [{"line": 3}]}, None),
        ([VENDOR], found("vendor/a", findings_left_out=1), None),
        ([VENDOR], found("vendor/a", findings_left_out=0), [VENDOR]),
        ([Scope(fingerprint="f1")], {"findings": [{"fingerprint": "f1"}]}, [Scope(fingerprint="f1")]),
        ([Scope(fingerprint="f1")], {"findings": [{"fingerprint": "f1"}, {"fingerprint": "f2"}]}, None),
        ([Scope(fingerprint="f1")], {"findings": [{"fingerprint": ["f1"]}]}, None),
        ([], found("vendor/a"), None),
        ([], {}, None),
    ],
)
def test_scopes_cover_a_failure_when_they_cover_everything_that_was_found(
    scopes: list[Scope], details: dict[str, Any], used: list[Scope] | None
) -> None:
    assert covers(scopes, details) == used


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
