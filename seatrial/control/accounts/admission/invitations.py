"""Invitations: an admin lets in one account of a provider."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from seatrial.control.accounts.admission.sessions import end_sessions_of
from seatrial.control.accounts.models import Invitation, Membership, Role, User, Workspace
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.services import set_role
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor

OPEN = timedelta(days=7)  # so long can nobody else have taken the login


@transaction.atomic
def invite(
    provider: ProviderKind, login: str, workspace: Workspace, role: Role, *, by: Actor = SYSTEM
) -> Invitation:
    """Let in the account `login` of `provider`. One that is open already gets the new role and another week."""
    invitation, _ = Invitation.objects.update_or_create(
        provider=provider,
        login=login.lower(),
        workspace=workspace,
        defaults={"role": role, "expires_at": timezone.now() + OPEN, "uid": "", "accepted_at": None},
    )
    audit.record(
        "invitation.create",
        f"account/{invitation}",
        by=by,
        workspace=workspace.pk,
        details={"role": str(role)},
    )
    return invitation


@transaction.atomic
def revoke(invitation: Invitation, *, by: Actor = SYSTEM) -> None:
    """Take an invitation back and end the account's sessions: it comes in again only if a list lets it in.

    Its person and what they made stay.
    """
    audit.record("invitation.revoke", f"account/{invitation}", by=by, workspace=invitation.workspace_id)
    if invitation.uid:
        end_sessions_of(invitation.provider, invitation.uid)
    invitation.delete()


def open_to(identity: Identity) -> QuerySet[Invitation]:
    """Those that `identity` can still accept."""
    return Invitation.objects.filter(
        provider=identity.provider, login=identity.login.lower(), uid="", expires_at__gt=timezone.now()
    )


def accepted_by(identity: Identity) -> bool:
    """Whether `identity` came in by one before."""
    return Invitation.objects.filter(Q(provider=identity.provider, uid=identity.uid) & ~Q(uid="")).exists()


@transaction.atomic
def accept(invitations: tuple[Invitation, ...], identity: Identity, user: User, *, by: Actor) -> None:
    """Bind the invitations to the account, and give `user` their roles where they have none. Idempotent."""
    for invitation in invitations:
        bound = Invitation.objects.filter(pk=invitation.pk, uid="")
        if not bound.update(uid=identity.uid, accepted_at=timezone.now()):
            continue  # somebody was quicker
        audit.record("invitation.accept", f"account/{invitation}", by=by, workspace=invitation.workspace_id)
        if not Membership.objects.filter(workspace=invitation.workspace, user=user, mapped=False).exists():
            set_role(invitation.workspace, user, Role(invitation.role), by=by)
