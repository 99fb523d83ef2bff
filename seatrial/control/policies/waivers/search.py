"""Which waivers somebody wants to see."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from seatrial.control.policies.current import standing
from seatrial.control.policies.models import Evaluation, Result, Waiver
from seatrial.wire.states import WaiverState

UNUSED = "unused"  # approved, and it waives nothing of any verdict that stands


@dataclass(frozen=True)
class Wanted:
    """Empty ones do not restrict. `state` may be `UNUSED`, too. `project` and `policy` are slugs, or a project's id."""

    state: str = ""
    project: str = ""
    policy: str = ""
    search: str = ""


def matching(rows: QuerySet[Waiver], wanted: Wanted) -> QuerySet[Waiver]:
    """Those of `rows` that are wanted, with what is shown of them."""
    if wanted.state == UNUSED:
        rows = unused(rows)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.project:
        rows = rows.filter(Q(project__slug=wanted.project) | Q(project=wanted.project))
    if wanted.policy:
        rows = rows.filter(version__policy__slug=wanted.policy)
    if wanted.search:
        text = wanted.search
        rows = rows.filter(
            Q(reason__icontains=text)
            | Q(path__icontains=text)
            | Q(requested_by__icontains=text)
            | Q(version__policy__name__icontains=text)
            | Q(version__policy__slug__icontains=text)
            | Q(project__name__icontains=text)
        )
    return rows.select_related("project", "version__policy")


def unused(rows: QuerySet[Waiver]) -> QuerySet[Waiver]:
    """Those in force that waive nothing now: what they are about was mended, or never there. Whoever sees one may withdraw it."""
    waived = Result.objects.filter(evaluation__in=standing(Evaluation.objects.all()), waivers__isnull=False)
    return rows.filter(state=WaiverState.APPROVED).exclude(results__in=waived)
