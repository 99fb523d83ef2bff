"""REST: breaking glass."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Schema
from pydantic import Field

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.answers import EvaluationAnswer, answers
from seatrial.control.policies.glass import services
from seatrial.control.policies.glass.services import MOST_HOURS, MOST_REASON, USUAL_HOURS
from seatrial.control.policies.models import Evaluation

router = Router(tags=["policies"])
EvaluationId = Annotated[str, Path(description="Id of an evaluation of the commit.")]
REFUSED: dict[int, Any] = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}


class GlassWanted(Schema):
    """Why a commit has to pass, and for how long."""

    reason: str = Field(max_length=MOST_REASON, description="What the emergency is.")
    hours: int = Field(
        USUAL_HOURS, ge=1, le=MOST_HOURS, description=f"For how many hours, at most {MOST_HOURS}."
    )


@router.post(
    "/evaluations/{evaluation_id}/break-glass",
    response={200: EvaluationAnswer, **REFUSED},
    summary="Let a commit pass in an emergency",
)
def break_glass(request: HttpRequest, evaluation_id: EvaluationId, wanted: GlassWanted) -> EvaluationAnswer:
    """It takes the role admin, stands in the audit log and beside the check, and ends by itself."""
    row = _find(request, evaluation_id)
    services.break_glass(
        row, reason=wanted.reason, hours=wanted.hours, by=actor(request), person=person(request)
    )
    return _fresh(row)


@router.post(
    "/evaluations/{evaluation_id}/mend-glass",
    response={200: EvaluationAnswer, **REFUSED},
    summary="End it before its time",
)
def mend_glass(request: HttpRequest, evaluation_id: EvaluationId) -> EvaluationAnswer:
    """The verdict is again what its policies say. Where no glass is broken, nothing happens."""
    row = _find(request, evaluation_id)
    if row.glass is not None:
        services.mend(row.glass, by=actor(request))
    return _fresh(row)


def _find(request: HttpRequest, key: str) -> Evaluation:
    return find_allowed(
        person(request), Action.BREAK_GLASS, Evaluation, key, "project", "pull_request", "glass"
    )


def _fresh(row: Evaluation) -> EvaluationAnswer:
    return answers(Evaluation.objects.filter(pk=row.pk))[0]
