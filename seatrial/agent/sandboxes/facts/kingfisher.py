"""Kingfisher: secrets, by the patterns of some five hundred services.

It asks no service whether a secret is valid. Of what it found, the secret itself is never passed on: not to a policy, not to a
log. What the repository says about it does not count: whoever adds a secret could write it in the same change.
"""

import json
import posixpath
from collections.abc import Collection
from typing import Any

from seatrial.agent.sandboxes.facts.fact import Fact, FactFinding, Ran, fitting
from seatrial.wire.states import Severity

# Not with --no-extract-archives: it takes every .key for a presentation, and leaves it out.
ARGUMENTS = (
    "scan", ".", "--format=json", "--no-validate", "--git-history=none", "--no-update-check", "--no-ignore", "--no-dedup",
    "--jobs=1", "--rule-cache-dir={kept}",
)  # fmt: skip
NOTHING, SOMETHING = 0, 200  # exit codes


def read(version: str, ran: Ran, given: Collection[str]) -> Fact:
    """What it found. Raises ValueError for what this version does not say."""
    if ran.code not in (NOTHING, SOMETHING):
        raise ValueError(f"it ended with exit code {ran.code}")  # its words may hold what it read
    said = json.JSONDecoder().raw_decode(ran.output.lstrip())[0]  # a summary follows
    done = said["audit"]["summary"]
    if done["scan_partial"] or done["scan_failed"]:
        raise ValueError("it did not read all files that it was given")
    read_files = min(
        len(given), said["metadata"]["summary"]["blobs_scanned"]
    )  # what is in an archive counts, too
    findings, left_out = fitting([_finding(one) for one in said["findings"]])
    return Fact(
        tool="kingfisher", version=version, files=read_files, findings=findings, findings_left_out=left_out
    )


def _finding(said: dict[str, Any]) -> FactFinding:
    rule, found = said["rule"], said["finding"]
    return FactFinding(
        path=posixpath.normpath(found["path"]),
        line=found["line"],
        rule=rule["name"],
        severity=Severity.HIGH,
        confidence=found["confidence"],
        message=rule["description"][:1_000],
    )
