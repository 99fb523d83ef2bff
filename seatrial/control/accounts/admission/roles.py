"""AUTH_ROLE_MAP: what somebody is at a provider gives them roles here, anew at each sign-in."""

from django.conf import settings
from django.db import transaction

from seatrial.control.accounts.models import Membership, Role, User, Workspace
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.listed import RANKS, ROLES


def roles_of(identity: Identity) -> dict[str, Role]:
    """The role in each workspace, by its slug: the one with the most rights of all that the map gives."""
    given: dict[str, Role] = {}
    for rule in settings.CONFIGURATION.role_rules:
        rank = identity.rank_in(rule.listed)
        ranks = RANKS[rule.listed.source]
        if rank is None or ranks.index(rank) < ranks.index(rule.rank):
            continue
        before = given.get(rule.workspace)
        if before is None or ROLES.index(rule.role) < ROLES.index(before):
            given[rule.workspace] = Role(rule.role)
    return given


def nowhere() -> list[str]:
    """For each workspace that the map names and nobody has made, a sentence that says what to do."""
    named = {rule.workspace for rule in settings.CONFIGURATION.role_rules}
    there = set(Workspace.objects.filter(slug__in=named).values_list("slug", flat=True))
    return [
        f"AUTH_ROLE_MAP gives roles in {slug}, and there is no such workspace: correct its slug"
        for slug in sorted(named - there)
    ]


@transaction.atomic
def apply(user: User, identity: Identity) -> None:
    """Make the mapped memberships of `user` what the map gives `identity`. Idempotent.

    A role that somebody set by hand stays, whatever the map says. Every change is in the audit log.
    """
    User.objects.select_for_update().get(pk=user.pk)  # two sign-ins at once, one after the other
    given = roles_of(identity)
    spaces = {space.slug: space for space in Workspace.objects.filter(slug__in=given)}
    for membership in user.memberships.select_related("workspace").exclude(workspace__slug__in=given):
        if membership.mapped:
            _record("member.remove", user, membership.workspace, identity, membership.role)
            membership.delete()
    for slug, space in spaces.items():
        _give(user, space, given[slug], identity)


def _give(user: User, workspace: Workspace, role: Role, identity: Identity) -> None:
    membership = Membership.objects.filter(user=user, workspace=workspace).first()
    if membership is None:
        Membership.objects.create(user=user, workspace=workspace, role=role, mapped=True)
        _record("member.add", user, workspace, identity, role)
    elif membership.mapped and membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
        _record("member.change_role", user, workspace, identity, role)


def _record(action: str, user: User, workspace: Workspace, identity: Identity, role: str) -> None:
    details = {"role": str(role), "by": "AUTH_ROLE_MAP", "account": f"{identity.provider}:{identity.login}"}
    audit.record(action, f"user/{user.username}", by=SYSTEM, workspace=workspace.pk, details=details)
