"""Which previews still run with what was set before, and deploying those again."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import lifecycle
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project, Variable
from seatrial.control.projects.scopes import Scope, record
from seatrial.control.projects.variables import tier_of
from seatrial.wire.states import EnvironmentState

ENDED = (EnvironmentState.STOPPED, EnvironmentState.TERMINATED)


def behind(scope: Scope) -> list[Environment]:
    """The running previews whose newest deployment was made before a change of what it would get now."""
    mine = Q(project=scope) if isinstance(scope, Project) else Q(project__workspace=scope)
    rows = Environment.objects.filter(mine).exclude(state__in=ENDED)
    rows = rows.select_related("pull_request", "project", "live", "candidate").order_by("id")
    changes = _changes(scope)
    return [row for row in rows if _is_behind(row, changes)]


@transaction.atomic
def redeploy(scope: Scope, *, by: Actor) -> int:
    """Deploy them again, each its own commit, with what is set now; returns how many."""
    begun = 0
    for row in behind(scope):
        environment = lifecycle.locked(row.pk)
        if environment is None or environment.kept is not None:
            continue
        begun += lifecycle.begin_again(environment) is not None
    if begun:
        record("variable.redeployed", scope, by, {"previews": begun})
    return begun


Changes = dict[tuple[str | None, str], datetime]


def _changes(scope: Scope) -> Changes:
    """When something was last set or unset, for each project (None: all of them) and tier."""
    workspace = scope.workspace_id if isinstance(scope, Project) else scope.pk
    rows = Variable.objects.filter(workspace=workspace)
    if isinstance(scope, Project):
        rows = rows.filter(Q(project=None) | Q(project=scope))
    found: Changes = {}
    for project, tier, set_at, ended_at in rows.values_list("project", "tier").annotate(
        Max("created_at"), Max("ended_at")
    ):
        found[project, tier] = max(filter(None, (set_at, ended_at)))
    return found


def _is_behind(environment: Environment, changes: Changes) -> bool:
    newest = environment.candidate or environment.live
    tier = tier_of(environment.pull_request)
    changed = [changes.get((None, tier)), changes.get((environment.project_id, tier))]
    return newest is not None and any(at is not None and newest.created_at < at for at in changed)
