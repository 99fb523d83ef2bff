"""Which variables previews get: those of the workspace, those of the project in their place, and each tier its own."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from seatrial.control.projects.models import Project, PullRequest, Tier, Variable


def tier_of(pull_request: PullRequest) -> Tier:
    """What its previews are trusted with. Approving a commit of a fork has it run, and trusts it with nothing."""
    return Tier.FORKS if pull_request.from_fork else Tier.TRUSTED


def counting(project: Project, tier: Tier, at: datetime) -> QuerySet[Variable]:
    """Every variable that a deployment made `at` that time may use; of two of a name, the project's comes last."""
    rows = Variable.objects.filter(Q(project=None) | Q(project=project), workspace=project.workspace_id)
    then = rows.filter(Q(ended_at=None) | Q(ended_at__gt=at), tier=tier, created_at__lte=at)
    return then.order_by(F("project").asc(nulls_first=True), "name")


def given(project: Project, tier: Tier, at: datetime) -> dict[str, Variable]:
    """The variables of a deployment that was made `at` that time, by name."""
    return {row.name: row for row in counting(project, tier, at)}
