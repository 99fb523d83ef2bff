"""What a waiver covers. Plain values, no database."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.control.policies.errors import BadWaiver
from seatrial.wire.evaluations import Finding
from seatrial.wire.visible import visible

MOST_PATH, MOST_FINGERPRINT = 1000, 200


@dataclass(frozen=True)
class Scope:
    """Everything the policy finds in a repository; or what it finds at `path`, a file or a folder; or the finding with this
    `fingerprint`.
    """

    path: str = ""
    fingerprint: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is the whole policy."""
        return not (self.path or self.fingerprint)

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"the finding {self.fingerprint}" if self.fingerprint else "the whole policy"


def scope(path: str, fingerprint: str) -> Scope:
    """The scope that somebody asked for. Raises BadWaiver."""
    path, fingerprint = path.strip(), fingerprint.strip()
    if path and fingerprint:
        raise BadWaiver("A waiver is for a path or for a finding, not for both. Ask for two.")
    for name, text, most in (("path", path, MOST_PATH), ("fingerprint", fingerprint, MOST_FINGERPRINT)):
        if len(text) > most or visible(text) != text:
            raise BadWaiver(f"The {name} must be at most {most} characters, without control characters.")
    return Scope(_normal(path), fingerprint)


def covers(scopes: list[Scope], findings: Sequence[Finding]) -> list[Scope] | None:
    """Those of `scopes` that together cover a failed result with these findings, as few as do; None if something is left.

    Only a scope that is the whole policy covers a result without findings, or with some left out: pass none for it.
    """
    whole = next((one for one in scopes if one.whole), None)
    if whole is not None:
        return [whole]
    used: dict[Scope, None] = {}
    for finding in findings:
        over = next((one for one in scopes if _covers(one, finding)), None)
        if over is None:
            return None
        used[over] = None
    return list(used) or None


def inside(path: str, folder: str) -> bool:
    """Whether `path` is this file, or in this folder."""
    return path == folder or path.startswith(f"{folder}/")


def _covers(one: Scope, finding: Finding) -> bool:
    if one.fingerprint:
        return finding.fingerprint == one.fingerprint
    return inside(finding.path, one.path)


def _normal(path: str) -> str:
    if not path:
        return ""
    normal = posixpath.normpath(path)
    if normal in (".", "..") or normal.startswith(("/", "../")):
        raise BadWaiver(
            f"{path} is not the path of a file or folder in the repository, such as src/keys or docs/example.env. "
            "Leave it out to waive the whole policy."
        )
    return normal
