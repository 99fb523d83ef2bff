"""REST: scores."""

from datetime import date
from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from seatrial.control.accounts.access import visible, workspaces
from seatrial.control.accounts.authentication import person
from seatrial.control.policies.scores.grades import grade
from seatrial.control.policies.scores.trends import (
    MOST_DAYS,
    Trend,
    counted_projects,
    of_projects,
    of_stacks,
    together,
)
from seatrial.control.projects.models import Project

router = Router(tags=["policies"])
OfWorkspace = Annotated[str, Query(description="Slug of the workspace. Default: the first one you are in.")]
OfProject = Annotated[str, Query(description="Only the project with this slug or id.")]
Days = Annotated[
    int,
    Query(description=f"How many days of history, from 1 (today alone) to {MOST_DAYS}.", ge=1, le=MOST_DAYS),
]


class DayAnswer(Schema):
    """The score of one day."""

    day: date = Field(description="The day, by the server's clock (UTC).")
    score: float | None = Field(description="0 to 100; null when nothing counted, or nobody looked.")


class ScoreAnswer(Schema):
    """The score of a workspace, a stack or a project."""

    kind: str = Field(description="workspace, stack or project.")
    id: str = Field(description="Id of the project, or slug of the workspace or stack.")
    name: str = Field(description="Its name.")
    score: float | None = Field(
        description="0 to 100. Of a project, the mean of the results that passed or failed in the verdicts that stand now; of a "
        "workspace or a stack, the mean of its projects. null when nothing counts."
    )
    grade: str = Field(
        description="excellent (from 90), good (from 70), warning (from 50), critical or none."
    )
    change: float | None = Field(
        description="By how much it changed within these days; null if that is not known."
    )
    passed: int = Field(description="How many results passed.")
    failed: int = Field(description="How many failed.")
    waived: int = Field(description="How many failed and are waived: they do not count in the score.")
    errored: int = Field(description="How many errored or timed out: they do not count in the score either.")
    basis: str = Field(
        description="What the score of a project is made of: default_branch; pull_requests where that has no verdict; or nothing. "
        "Empty for a workspace and a stack."
    )
    days: list[DayAnswer] = Field(description="One for each day, the oldest first.")


@router.get(
    "/scores",
    response=list[ScoreAnswer],
    summary="Scores of a workspace and its projects",
)
def list_scores(
    request: HttpRequest, workspace: OfWorkspace = "", project: OfProject = "", days: Days = 30
) -> list[ScoreAnswer]:
    """The workspace first, then its stacks and its projects by name. With `project`, that one alone. Empty if you see no such thing."""
    mine = workspaces(person(request)).order_by("id")
    found = (mine.filter(slug=workspace) if workspace else mine).first()
    if found is None:
        return []
    rows = visible(person(request), Project).filter(counted_projects(), workspace=found)
    rows = rows.order_by("name", "id")
    if project:
        chosen = rows.filter(Q(slug=project) | Q(pk=project))
        return [_answer("project", one) for one in of_projects(chosen, days)]
    trends = of_projects(rows, days)
    whole = together(found.name, found.slug, trends)
    return [
        _answer("workspace", whole, basis=""),
        *(_answer("stack", one, basis="") for one in of_stacks(trends)),
        *(_answer("project", one) for one in trends),
    ]


def _answer(kind: str, trend: Trend, *, basis: str | None = None) -> ScoreAnswer:
    return ScoreAnswer(
        kind=kind,
        id=trend.key,
        name=trend.name,
        grade=grade(trend.now.score),
        change=trend.change,
        basis=trend.basis if basis is None else basis,
        days=[DayAnswer(day=day, score=score) for day, score in trend.days],
        **vars(trend.now),
    )
