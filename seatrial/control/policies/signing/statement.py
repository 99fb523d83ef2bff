"""What is signed of an evaluation: an in-toto statement about its commit. Plain data, the same for the same rows."""

from typing import Any

from django.conf import settings

from seatrial.control.fleet.models import Agent
from seatrial.control.policies.glass.words import why_it_passes
from seatrial.control.policies.models import Evaluation, Result, Waiver
from seatrial.control.policies.waivers.force import scope_of
from seatrial.signed.envelope import PREDICATE_TYPE, STATEMENT_TYPE
from seatrial.wire.digests import digest_of
from seatrial.wire.states import ResultState

Json = dict[str, Any]


def statement(evaluation: Evaluation) -> Json:
    """The subject is the commit; the predicate says which policies ran on what, in what, and what came of it."""
    project = evaluation.project
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": project.full_name or project.slug, "digest": {"gitCommit": evaluation.commit}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "issuer": settings.SITE_URL,
            "evaluation": {
                "id": evaluation.pk,
                "project": project.pk,
                "event": evaluation.event,
                "ref": evaluation.ref,
                "baseCommit": evaluation.base_commit,
                "state": evaluation.state,
                "glass": why_it_passes(evaluation),
                "score": evaluation.score,
                "message": evaluation.message,
                "finishedAt": evaluation.finished_at.isoformat() if evaluation.finished_at else None,
            },
            "facts": {"sha256": evaluation.facts_digest},
            "runtime": {
                "isolation": evaluation.isolation,
                "python": evaluation.python,
                "program": {"sha256": evaluation.program_digest},
            },
            "agent": _agent(evaluation.agent),
            "results": [_result(evaluation, row) for row in _rows(evaluation)],
        },
    }


def _rows(evaluation: Evaluation) -> list[Result]:
    rows = evaluation.results.select_related("version__policy").prefetch_related("waivers")
    return list(rows.order_by("version__policy__slug"))


def _agent(key: str) -> Json | None:
    if not key:
        return None
    found = Agent.objects.filter(pk=key).first()
    return {"id": key, "name": found.name if found is not None else ""}


def _result(evaluation: Evaluation, row: Result) -> Json:
    """What it found is in it as a digest: findings may be of a private repository, and the statement is to be shown around."""
    version = row.version
    return {
        "policy": version.policy.slug,
        "version": version.number,
        "versionId": version.pk,
        "level": row.level,
        "code": {"sha256": row.digests.get("code", "")},
        "kept": {"sha256": version.digest},
        "parameters": {"sha256": row.digests.get("params", "")},
        "answers": {"sha256": row.digests.get("answers", "")},
        "state": row.state,
        "score": row.score,
        "message": {"sha256": digest_of(row.message)},
        "findings": {
            "sha256": digest_of(row.findings),
            "number": len(row.findings),
            "known": len(row.known),
            "leftOut": row.findings_left_out,
        },
        "remembered": row.memoised,
        "network": row.network,
        "waivedBy": [_waiver(one) for one in sorted(row.waivers.all(), key=lambda one: one.pk)]
        if row.state == ResultState.WAIVED
        else [],
    }


def _waiver(row: Waiver) -> Json:
    return {
        "id": row.pk,
        "covers": str(scope_of(row)),
        "requestedBy": row.requested_by,
        "approvedBy": row.decided_by,
        "until": row.expires_at.isoformat(),
        "reason": row.reason,
    }
