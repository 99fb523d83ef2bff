"""CSV, which spreadsheets read: one row per finding, and one for a policy without any."""

import csv
import io
from collections.abc import Iterator

from seatrial.control.policies.reports.told import Report, Told
from seatrial.control.spreadsheets import safe
from seatrial.wire.evaluations import Finding
from seatrial.wire.visible import visible

COLUMNS = (
    "project", "commit", "ref", "evaluation", "policy", "version", "state", "level", "score", "waived", "severity", "path", "line",
    "message", "fingerprint", "seconds",
)  # fmt: skip


def table(report: Report) -> str:
    """With a heading, and `\\r\\n` at the end of each row, as RFC 4180 has it."""
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for one in report.told:
        rows.writerows(_rows(report, one))
    return written.getvalue()


def _rows(report: Report, one: Told) -> Iterator[list[object]]:
    evaluation = report.evaluation
    findings: list[Finding | None] = [*one.findings] or [None]
    for finding in findings:
        yield [
            safe(evaluation.project.slug),
            evaluation.commit,
            safe(visible(evaluation.ref)),
            evaluation.pk,
            safe(one.policy.slug),
            one.version,
            one.state,
            one.level,
            "" if one.score is None else f"{one.score:g}",
            safe(one.waived),
            *_of_finding(one, finding),
            f"{one.seconds:.3f}",
        ]


def _of_finding(one: Told, finding: Finding | None) -> list[object]:
    if finding is None:
        return ["", "", "", safe(one.message), ""]
    message = finding.message or one.message
    return [
        finding.severity,
        safe(visible(finding.path)),
        finding.line or "",
        safe(message),
        safe(visible(finding.fingerprint)),
    ]
