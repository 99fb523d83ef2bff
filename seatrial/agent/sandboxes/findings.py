"""The findings that a policy returned: checked strictly where they stand in the result, leniently in its details."""

import difflib
from typing import Any, NamedTuple

from seatrial.agent.sandboxes.shapes import Nonsense, clean, shown
from seatrial.wire.evaluations import MAX_FINDINGS, Finding
from seatrial.wire.findings import FINDINGS, LEFT_OUT, Moved, moved
from seatrial.wire.states import Severity

MAX_PATH = 4_096  # characters
MAX_TEXT = 2_000
MAX_FINGERPRINT = 200
MAX_FIX = 20_000
MAX_LINE = 10_000_000
MAX_ALL = 300_000  # characters of all findings of one result
KEYS = ("path", "line", "message", "severity", "fingerprint", "fix", "quote")


class Found(NamedTuple):
    """The findings that are kept, and how many are not."""

    findings: list[Finding]
    left_out: int


def checked_findings(returned: dict[str, Any]) -> list[Finding]:
    """Those at the top of what the policy returned. Raises Nonsense."""
    value = returned.get(FINDINGS)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Nonsense(f"'{FINDINGS}' is {shown(value)}; it is a list of dictionaries")
    return [_checked(f"{FINDINGS}[{number}]", one) for number, one in enumerate(value)]


def count_left_out(returned: dict[str, Any]) -> int:
    """How many the policy itself left out. Raises Nonsense."""
    value = returned.get(LEFT_OUT, 0)
    if type(value) is not int or value < 0:
        raise Nonsense(f"'{LEFT_OUT}' is {shown(value)}; it is a number from 0")
    return value


def in_details(details: dict[str, Any]) -> Moved:
    """Those in the details, cleaned; and the details without them."""
    rest, found, left_out = moved(details)
    return Moved(rest, [_cleaned(one) for one in found], left_out)


def fitting_findings(found: list[Finding], left_out: int) -> Found:
    """As many as one result may carry, from the first on."""
    kept: list[Finding] = []
    room = MAX_ALL
    for one in found[:MAX_FINDINGS]:
        room -= len(one.path) + len(one.message) + len(one.fingerprint) + len(one.fix) + 100
        if room < 0:
            break
        kept.append(one)
    return Found(kept, left_out + len(found) - len(kept))


def _checked(where: str, value: Any) -> Finding:
    if not isinstance(value, dict):
        raise Nonsense(f"'{where}' is {shown(value)}; it is a dictionary with {', '.join(KEYS)}")
    given = {("path" if key == "file" else key): inner for key, inner in value.items()}
    for key in given:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(KEYS)}"
            raise Nonsense(f"'{where}' has a key '{key[:80]}'; {hint}")
    path = _text(where, given, "path", MAX_PATH)
    line = given.get("line")
    if line is not None and (type(line) is not int or not 1 <= line <= MAX_LINE):
        raise Nonsense(f"'{where}.line' is {shown(line)}; lines are numbers from 1")
    if line is not None and not path:
        raise Nonsense(f"'{where}' has a line and no path")
    message = _text(where, given, "message", None)
    if not message.strip():
        raise Nonsense(f"'{where}' has no message, which says what is wrong there")
    return Finding(
        path=path,
        line=line,
        message=clean(message, MAX_TEXT),
        severity=_severity(where, given.get("severity", Severity.MEDIUM)),
        fingerprint=_text(where, given, "fingerprint", MAX_FINGERPRINT),
        fix=_fix(where, path, _text(where, given, "fix", MAX_FIX)),
        quote=_quote(where, given.get("quote", True)),
    )


def _quote(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Nonsense(f"'{where}.quote' is {shown(value)}; it is False where the line holds a secret")
    return value


def _text(where: str, given: dict[str, Any], key: str, most: int | None) -> str:
    value = given.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Nonsense(f"'{where}.{key}' is {shown(value)}; it is text")
    if most is not None and len(value) > most:
        raise Nonsense(f"'{where}.{key}' has {len(value):,} characters; at most {most:,} are kept")
    return clean(value, len(value)) if value else ""


def _severity(where: str, value: Any) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        words = ", ".join(Severity)
        raise Nonsense(f"'{where}.severity' is {shown(value)}; it is one of {words}") from None


def _fix(where: str, path: str, fix: str) -> str:
    if fix and not any(line.startswith("@@ ") for line in fix.split("\n")):
        raise Nonsense(f"'{where}.fix' is no unified diff (it has no line that begins with @@)")
    if fix and not path:
        raise Nonsense(f"'{where}' has a fix and no path")
    return fix


def _cleaned(one: Finding) -> Finding:
    return Finding(
        path=clean(one.path, MAX_PATH),
        line=one.line if one.line is None or one.line <= MAX_LINE else None,
        message=clean(one.message, MAX_TEXT),
        severity=one.severity,
        fingerprint=clean(one.fingerprint, MAX_FINGERPRINT),
        fix="" if len(one.fix) > MAX_FIX else clean(one.fix, MAX_FIX),
        quote=False,  # policies that put findings there do not know that lines are quoted, and may have found secrets
    )
