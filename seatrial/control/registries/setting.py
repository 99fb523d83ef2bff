"""Sets and removes registry logins, and says which a deployment may use. All of it is audited; passwords are in no entry."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q, QuerySet

from seatrial.control.audit.actors import Actor
from seatrial.control.projects.models import Project, Tier
from seatrial.control.projects.scopes import Scope, lock, record, workspace_id
from seatrial.control.registries.entries import MOST_LOGINS, Entry, checked, registry_named
from seatrial.control.registries.errors import NoRegistryLogin, TooManyRegistryLogins
from seatrial.control.registries.models import RegistryLogin
from seatrial.wire.visible import visible


@dataclass(frozen=True)
class Shown:
    """One login as people see it. `inherited`: it is the workspace's; `overridden`: the project has one in its place."""

    row: RegistryLogin
    inherited: bool = False
    overridden: bool = False


def given(project: Project, tier: Tier) -> dict[str, RegistryLogin]:
    """The logins that previews of this tier may pull with now, by registry."""
    rows = RegistryLogin.objects.filter(
        Q(project=None) | Q(project=project), workspace=project.workspace_id, tier=tier
    )
    return {row.registry: row for row in rows.order_by(F("project").asc(nulls_first=True))}


def current(scope: Scope) -> QuerySet[RegistryLogin]:
    """The logins that are set for this workspace, or for this project itself."""
    if isinstance(scope, Project):
        rows = RegistryLogin.objects.filter(project=scope)
    else:
        rows = RegistryLogin.objects.filter(workspace=scope, project=None)
    return rows.order_by("registry", "-tier")


def shown(scope: Scope) -> Sequence[Shown]:
    """Its own logins, then those that it inherits."""
    own = [Shown(row) for row in current(scope)]
    if not isinstance(scope, Project):
        return own
    mine = {(one.row.registry, one.row.tier) for one in own}
    above = current(scope.workspace)
    return [*own, *(Shown(row, inherited=True, overridden=(row.registry, row.tier) in mine) for row in above)]


@transaction.atomic
def put(scope: Scope, entry: Entry, *, by: Actor) -> RegistryLogin:
    """Set the login, in place of one for the same registry. Pulls that begin use it. Raises BadRegistryLogin, TooManyRegistryLogins."""
    wanted = checked(entry)
    lock(scope)
    before = current(scope).filter(registry=wanted.registry, tier=wanted.tier).first()
    if before is not None and (before.username, before.password) == (wanted.username, wanted.password):
        return before
    if before is not None:
        before.delete()
    if current(scope).count() >= MOST_LOGINS:
        raise TooManyRegistryLogins(f"There can be {MOST_LOGINS} registry logins. Remove one first.")
    row = RegistryLogin(
        workspace_id=workspace_id(scope),
        project=scope if isinstance(scope, Project) else None,
        registry=wanted.registry,
        tier=wanted.tier,
        username=wanted.username,
        password=wanted.password,
        by=str(by)[:200],
    )
    row.save(force_insert=True)
    details = {"registry": row.registry, "tier": row.tier, "username": row.username}
    record("registry_login.replaced" if before else "registry_login.set", scope, by, details)
    return row


@transaction.atomic
def remove(scope: Scope, registry: str, tier: str, *, by: Actor) -> None:
    """Delete a login: nothing is pulled with it any more. Raises NoRegistryLogin, BadRegistryLogin."""
    lock(scope)
    row = found(scope, registry, tier)
    row.delete()
    record("registry_login.removed", scope, by, {"registry": row.registry, "tier": row.tier})


def found(scope: Scope, registry: str, tier: str) -> RegistryLogin:
    """The one for that registry. Raises NoRegistryLogin, BadRegistryLogin."""
    named = registry_named(registry)
    row = current(scope).filter(registry=named, tier=tier.replace("\0", "")).first()
    if row is None:
        tiers = f" for {tier}" if tier in Tier.values else ""
        raise NoRegistryLogin(f"No login for {visible(named)} is set here{tiers}.")
    return row
