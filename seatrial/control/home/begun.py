"""How far a project has come since it was put under trial: its webhook, its first verdict, its first preview."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import User
from seatrial.control.forges.models import Hook
from seatrial.control.forges.registry import FORGES
from seatrial.control.policies.current import inspections
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project


@dataclass(frozen=True)
class Begun:
    """A project with the first things that happen to it; None: not yet. `hosted`: it gets a webhook."""

    project: Project
    hosted: bool
    hook: Hook | None
    evaluation: Evaluation | None
    environment: Environment | None

    @property
    def complete(self) -> bool:
        """Whether all has happened."""
        return self.environment is not None and self.evaluation is not None


def begun(user: User, projects: Collection[Project]) -> list[Begun]:
    """One for each of `projects`, which come with their connections. A constant number of queries."""
    hooks = {hook.pk: hook for hook in Hook.objects.filter(project__in=projects)}
    evaluations = _newest(inspections(visible(user, Evaluation).filter(project__in=projects)))
    environments = _newest(visible(user, Environment).filter(project__in=projects))
    return [
        Begun(
            project=project,
            hosted=(kind := FORGES.get(project.connection.forge)) is not None and kind.hosting is not None,
            hook=hooks.get(project.pk),
            evaluation=evaluations.get(project.pk),
            environment=environments.get(project.pk),
        )
        for project in projects
    ]


def _newest(rows: QuerySet[Any]) -> Mapping[str, Any]:
    """The newest row of each project."""
    newest = rows.order_by("project", "-id").distinct("project")
    return {row.project_id: row for row in newest}
