"""Evaluations as programs see them."""

from typing import Any

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from ninja import Schema

from seatrial.control.policies.models import Evaluation, Result


class ResultAnswer(Schema):
    """What one policy said. `policy` is its slug, `name` what people read."""

    policy: str
    name: str
    state: str
    score: float | None
    message: str
    details: dict[str, Any]
    logs: list[dict[str, Any]]
    seconds: float
    memoised: bool


class EvaluationAnswer(Schema):
    """All policies on one commit. `state` is the verdict once the evaluation has ended."""

    id: str
    commit: str
    state: str
    score: float | None
    message: str
    isolation: str
    page_url: str
    seconds: float | None
    results: list[ResultAnswer]


def answers(evaluations: QuerySet[Evaluation]) -> list[EvaluationAnswer]:
    """The answers for `evaluations`, in their order; results are sorted by the name of their policy."""
    results = Result.objects.select_related("version__policy").order_by("version__policy__slug")
    return [_answer(row) for row in evaluations.prefetch_related(Prefetch("results", results))]


def page_url(evaluation: Evaluation) -> str:
    """The evaluation's page."""
    return f"{settings.SITE_URL}/evaluations/{evaluation.pk}"


def _answer(evaluation: Evaluation) -> EvaluationAnswer:
    return EvaluationAnswer(
        id=evaluation.pk,
        commit=evaluation.commit,
        state=evaluation.state,
        score=evaluation.score,
        message=evaluation.message,
        isolation=evaluation.isolation,
        page_url=page_url(evaluation),
        seconds=evaluation.seconds,
        results=[_result(row) for row in evaluation.results.all()],
    )


def _result(row: Result) -> ResultAnswer:
    return ResultAnswer(
        policy=row.version.policy.slug,
        name=row.version.policy.name,
        state=row.state,
        score=row.score,
        message=row.message,
        details=row.details,
        logs=row.logs,
        seconds=row.seconds,
        memoised=row.memoised,
    )
