"""Which waivers somebody wants to see."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from seatrial.control.policies.models import Waiver


@dataclass(frozen=True)
class Wanted:
    """Empty ones do not restrict. `project` and `policy` are slugs, or a project's id."""

    state: str = ""
    project: str = ""
    policy: str = ""
    search: str = ""


def matching(rows: QuerySet[Waiver], wanted: Wanted) -> QuerySet[Waiver]:
    """Those of `rows` that are wanted, with what is shown of them."""
    if wanted.state:
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
