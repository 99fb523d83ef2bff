"""SARIF 2.1.0, which code hosts and editors read: https://docs.oasis-open.org/sarif/sarif/v2.1.0/"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.conf import settings

from seatrial import __version__
from seatrial.control.policies.reports.patches import Replacement, replacements
from seatrial.control.policies.reports.told import Report, Told
from seatrial.wire.evaluations import Finding
from seatrial.wire.states import EvaluationState, ResultState, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "seatrialFinding/v1"
# What is about no file is about the repository: GitHub takes no result without a place.
NO_FILE = "."
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
Json = dict[str, Any]


def sarif(report: Report) -> Json:
    """One run. Every policy is a rule; what failed or is waived has results; what gave no result has a notification."""
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}


def _run(report: Report) -> Json:
    evaluation = report.evaluation
    ended_well = EvaluationState(evaluation.state) in (EvaluationState.PASSED, EvaluationState.FAILED)
    notes = [note for index, one in enumerate(report.told) for note in _notes(one, index)]
    if evaluation.message:
        notes.append({"level": "error", "message": {"text": evaluation.message}})
    run: Json = {
        "tool": {
            "driver": {
                "name": "Seatrial",
                "version": settings.CONFIGURATION.tag or __version__,
                "informationUri": settings.SITE_URL,
                "rules": [_rule(one, report) for one in report.told],
            }
        },
        "automationDetails": {"id": f"seatrial/{evaluation.project.slug}/{evaluation.pk}"},
        "invocations": [{"executionSuccessful": ended_well, "toolExecutionNotifications": notes}],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The top of the repository"}}},
        "results": [result for index, one in enumerate(report.told) for result in _results(one, index)],
        "properties": {
            "evaluation": evaluation.pk,
            "state": evaluation.state,
            "glass": report.glass,
            "score": evaluation.score,
            "waived": evaluation.waived,
            "commit": evaluation.commit,
        },
    }
    if evaluation.project.web_url:
        where = {"repositoryUri": evaluation.project.web_url, "revisionId": evaluation.commit}
        run["versionControlProvenance"] = [where]
    return run


def _rule(one: Told, report: Report) -> Json:
    described = one.description or one.policy.name
    return {
        "id": one.policy.slug,
        "name": one.policy.name,
        "shortDescription": {"text": described.partition("\n")[0] or one.policy.name},
        "fullDescription": {"text": described},
        "help": {"text": f"{described}\n\n{report.page_url}"},
        "helpUri": report.page_url,
        "properties": {"version": one.version, "digest": f"sha256:{one.digest}", "state": one.state},
    }


def _notes(one: Told, index: int) -> Iterator[Json]:
    about = {"associatedRule": {"id": one.policy.slug, "index": index}}
    if one.state in (ResultState.ERRORED, ResultState.TIMED_OUT):
        said = one.message or "It gave no result."
        yield {"level": "error", "message": {"text": f"{one.state}: {said}"}, **about}
    elif one.state is ResultState.SKIPPED:
        yield {"level": "note", "message": {"text": "skipped: it does not apply to this commit."}, **about}
    if one.left_out:
        yield {
            "level": "warning",
            "message": {"text": f"{one.left_out} more findings are not listed."},
            **about,
        }


def _results(one: Told, index: int) -> Iterator[Json]:
    if one.state not in (ResultState.FAILED, ResultState.WAIVED):
        return
    for finding in one.findings or [Finding(message=one.message)]:
        result: Json = {
            "ruleId": one.policy.slug,
            "ruleIndex": index,
            "kind": "fail",
            "level": "note" if one.is_remark else _LEVELS[Severity(finding.severity)],
            "message": {"text": finding.message or one.message or f"{one.policy.name} failed."},
            "locations": [_location(finding)],
            "properties": {"severity": finding.severity, "score": one.score, "level": one.level},
        }
        if finding.fingerprint:
            result["partialFingerprints"] = {FINGERPRINT: finding.fingerprint}
        if one.waived:
            result["suppressions"] = [_suppression(one)]
        if fixes := replacements(finding.fix):
            result["fixes"] = [_fix(finding, fixes)]
        yield result


def _suppression(one: Told) -> Json:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": one.waived,
        "properties": {
            "waivers": [
                {"id": row.pk, "approvedBy": row.decided_by, "until": row.expires_at.isoformat()}
                for row in one.waivers
            ]
        },
    }


def _location(finding: Finding) -> Json:
    place: Json = {"artifactLocation": _artifact(finding.path)}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    return {"physicalLocation": place}


def _artifact(path: str) -> Json:
    uri = quote(path.encode(errors="replace"), safe="/") if path else NO_FILE
    return {"uri": uri, "uriBaseId": ROOT}


def _fix(finding: Finding, fixes: list[Replacement]) -> Json:
    change = {"artifactLocation": _artifact(finding.path), "replacements": [_replaced(one) for one in fixes]}
    return {"description": {"text": "What the policy suggests"}, "artifactChanges": [change]}


def _replaced(one: Replacement) -> Json:
    """Whole lines: from the first column of the first to the first column of the line after the last."""
    region = {"startLine": one.line, "startColumn": 1, "endLine": one.line + one.count, "endColumn": 1}
    return {"deletedRegion": region, "insertedContent": {"text": one.text}}
