"""REST: the report of an evaluation."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.reports.formats import ReportFormat, download

router = Router(tags=["policies"])
EvaluationId = Annotated[str, Path(description="Id of an evaluation.")]
Wanted = Annotated[ReportFormat, Query(description="sarif, junit, csv or markdown.")]
REFUSED: dict[int, Any] = {404: ErrorAnswer, 409: ErrorAnswer}


@router.get("/evaluations/{evaluation_id}/report", response=REFUSED, summary="The report of an evaluation")
def get_report(
    request: HttpRequest, evaluation_id: EvaluationId, format: Wanted = ReportFormat.SARIF
) -> HttpResponse:
    """A file: SARIF 2.1.0, JUnit's XML, CSV or Markdown. 409 while the evaluation has no verdict."""
    evaluation = find_visible(person(request), Evaluation, evaluation_id, "project")
    return download(evaluation, format)
