"""Sets, reveals and ends variables. All of it is audited; values are in no entry."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.projects.models import Project, Tier, Variable
from seatrial.control.projects.scopes import Scope, lock, record, workspace_id
from seatrial.control.variables.entries import Entry, bounded, checked
from seatrial.control.variables.errors import BadVariable, NoVariable
from seatrial.wire.visible import visible


def current(scope: Scope) -> QuerySet[Variable]:
    """The variables that are set for this workspace, or for this project itself."""
    if isinstance(scope, Project):
        rows = Variable.objects.filter(project=scope)
    else:
        rows = Variable.objects.filter(workspace=scope, project=None)
    return rows.filter(ended_at=None).order_by("name", "-tier")


@transaction.atomic
def put(scope: Scope, entries: Sequence[Entry], *, by: Actor) -> list[str]:
    """Set all of `entries`, or none; returns the names of those that were not as they are now.

    Deployments that exist keep what they have. Raises BadVariable, TooMuch.
    """
    wanted = {(entry.name, entry.tier): checked(entry) for entry in entries}
    if len(wanted) < len(entries):
        raise BadVariable("name", "One variable is named twice. Name each once.")
    lock(scope)
    before = {(row.name, row.tier): row for row in current(scope)}
    new = [entry for key, entry in wanted.items() if not _same(before.get(key), entry)]
    now = timezone.now()
    for entry in new:
        _end(before.get((entry.name, entry.tier)), now)
        _row(scope, entry, by, now).save(force_insert=True)
    for tier in Tier.values:
        bounded(current(scope).filter(tier=tier))
    for entry in new:
        known = (entry.name, entry.tier) in before
        details = {"name": entry.name, "tier": entry.tier, "secret": entry.secret, "builds": entry.builds}
        record("variable.changed" if known else "variable.set", scope, by, details)
    return [entry.name for entry in new]


@transaction.atomic
def unset(scope: Scope, name: str, tier: str, *, by: Actor) -> None:
    """End a variable: deployments that begin do not get it. Raises NoVariable."""
    lock(scope)
    row = found(scope, name, tier)
    _end(row, timezone.now())
    record("variable.unset", scope, by, {"name": row.name, "tier": row.tier})


@transaction.atomic
def reveal(scope: Scope, name: str, tier: str, *, by: Actor) -> Variable:
    """The variable with its value, which the audit log then says that somebody has read. Raises NoVariable."""
    row = found(scope, name, tier)
    record("variable.revealed", scope, by, {"name": row.name, "tier": row.tier})
    return row


def found(scope: Scope, name: str, tier: str) -> Variable:
    """The one of that name. Raises NoVariable."""
    row = current(scope).filter(name=name.replace("\0", ""), tier=tier.replace("\0", "")).first()
    if row is None:
        tiers = f" for {tier}" if tier in Tier.values else ""
        raise NoVariable(f"No variable {visible(name)[:60]} is set here{tiers}.")
    return row


def _row(scope: Scope, entry: Entry, by: Actor, now: datetime) -> Variable:
    return Variable(
        workspace_id=workspace_id(scope),
        project=scope if isinstance(scope, Project) else None,
        name=entry.name,
        tier=entry.tier,
        value=entry.value,
        secret=entry.secret,
        builds=entry.builds,
        by=str(by)[:200],
        created_at=now,
    )


def _end(row: Variable | None, now: datetime) -> None:
    if row is not None:
        Variable.objects.filter(pk=row.pk).update(ended_at=now)


def _same(row: Variable | None, entry: Entry) -> bool:
    new = (entry.value, entry.secret, entry.builds)
    return row is not None and (row.value, row.secret, row.builds) == new
