"""zizmor: audits of GitHub's workflows.

It is told to be offline, and is given no token: GHSA-f42p-wjw5-97qh. What the repository says about it (its configuration, its
comments) does not count: whoever changes a workflow could write it in the same change.
"""

import json
import posixpath
import re
from collections.abc import Collection
from typing import Any

from seatrial.agent.sandboxes.facts.fact import Fact, FactFinding, Ran, fitting
from seatrial.wire.states import Severity

LOOKS_AT = (
    "/.github/workflows/*.yml",
    "/.github/workflows/*.yaml",
    "/.github/dependabot.yml",
    "/.github/dependabot.yaml",
    "action.yml",
    "action.yaml",
)
ARGUMENTS = (
    "--offline", "--no-config", "--no-ignores", "--collect=all", "--format=json-v1", "--no-exit-codes", "--no-progress",
    "--color=never", ".",
)  # fmt: skip
NONE_READ = 3  # its exit code if it could read none of the files
COMPLETED = re.compile(r"completed (.+)$", re.MULTILINE)  # it says nowhere else which files it read
SEVERITIES = {"Low": Severity.LOW, "Medium": Severity.MEDIUM, "High": Severity.HIGH}


def read(version: str, ran: Ran, given: Collection[str]) -> Fact:
    """What it found. Raises ValueError for what this version does not say."""
    if ran.code == NONE_READ and "no inputs collected" in ran.errors:
        audited, found = set[str](), []
    elif ran.code == 0:
        audited = {posixpath.normpath(path) for path in COMPLETED.findall(ran.errors)} & set(given)
        found = [_finding(one) for one in json.loads(ran.output)]
    else:
        raise ValueError(f"it ended with exit code {ran.code}: {ran.errors[-300:].strip()}")
    findings, left_out = fitting(found)
    unread = dict.fromkeys(
        sorted(set(given) - audited), "zizmor cannot read it: it is not what its place says"
    )
    return Fact(
        tool="zizmor", version=version, files=len(audited), left_out=unread, findings=findings, findings_left_out=left_out
    )  # fmt: skip


def _finding(said: dict[str, Any]) -> FactFinding:
    place = next(one for one in said["locations"] if one["symbolic"]["kind"] == "Primary")
    path = place["symbolic"]["key"]["Local"]["verbatim_path"]
    judged = said["determinations"]
    return FactFinding(
        path=posixpath.normpath(path),
        line=place["concrete"]["location"]["start_point"]["row"] + 1,
        rule=said["ident"],
        severity=SEVERITIES.get(judged["severity"], Severity.INFO),
        confidence=judged["confidence"].lower(),
        message=f"{said['desc']}: {place['symbolic']['annotation']}"[:1_000],
    )
