"""Scores as people and programs look at them: of a workspace, of its stacks, and of each of its projects, over some days."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Q
from django.utils import timezone

from seatrial.control.policies.scores.counting import Tally, mean
from seatrial.control.policies.scores.models import Basis, DailyScore
from seatrial.control.projects.models import Project

USUAL_DAYS, MOST_DAYS = 90, 365
Day = tuple[date, float | None]


@dataclass(frozen=True)
class Trend:
    """The scores of one thing, the oldest first, with every day since the first one asked for; `now` is the newest."""

    name: str
    key: str
    days: list[Day]
    now: Tally = field(default_factory=Tally)
    basis: str = Basis.NOTHING
    projects: int = 1
    stack: str = ""

    @property
    def change(self) -> float | None:
        """By how much the score changed since the first day that has one; None if there are not two."""
        known = [score for _, score in self.days if score is not None]
        return round(known[-1] - known[0], 1) if len(known) > 1 and self.now.score is not None else None


def since(days: int) -> date:
    """The first of so many days, of which today is the last."""
    return timezone.now().date() - timedelta(days=max(1, min(days, MOST_DAYS)) - 1)


def of_projects(projects: Iterable[Project], days: int) -> list[Trend]:
    """One for each of `projects`, in their order; one query."""
    projects = list(projects)
    rows: dict[str, list[DailyScore]] = defaultdict(list)
    taken = DailyScore.objects.filter(project__in=projects, day__gte=since(days))
    for row in taken.order_by("day"):
        rows[row.project_id].append(row)
    return [_of_project(project, rows[project.pk], days) for project in projects]


def together(name: str, key: str, trends: Iterable[Trend]) -> Trend:
    """The mean of the projects that have a score, day by day. So a large project counts as much as a small one."""
    trends = list(trends)
    of_days: dict[date, list[float | None]] = defaultdict(list)
    for trend in trends:
        for day, score in trend.days:
            of_days[day].append(score)

    def total(kind: str) -> int:
        return sum(getattr(trend.now, kind) for trend in trends)

    return Trend(
        name=name,
        key=key,
        days=[(day, mean(scores)) for day, scores in sorted(of_days.items())],
        now=Tally(
            score=mean(trend.now.score for trend in trends),
            **{kind: total(kind) for kind in ("passed", "failed", "waived", "errored")},
        ),
        projects=len(trends),
    )


def of_stacks(trends: Iterable[Trend]) -> list[Trend]:
    """One for each stack that projects have, by name."""
    stacks: dict[str, list[Trend]] = defaultdict(list)
    for trend in trends:
        if trend.stack:
            stacks[trend.stack].append(trend)
    return [together(stack, stack, its) for stack, its in sorted(stacks.items())]


def counted_projects() -> Q:
    """Those that have a score: archived ones get no verdicts."""
    return Q(archived_at=None)


def _of_project(project: Project, rows: list[DailyScore], days: int) -> Trend:
    scores = {row.day: row.score for row in rows}
    first, today = since(days), timezone.now().date()
    line = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    newest = rows[-1] if rows else None
    return Trend(
        name=project.name,
        key=project.pk,
        days=[(day, scores.get(day)) for day in line],
        now=_tally(newest) if newest is not None else Tally(),
        basis=newest.basis if newest is not None else Basis.NOTHING,
        stack=project.stack,
    )


def _tally(row: DailyScore) -> Tally:
    return Tally(row.score, row.passed, row.failed, row.waived, row.errored)
