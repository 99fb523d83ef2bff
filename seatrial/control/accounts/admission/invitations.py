"""Invitations: an admin lets in one account, of a provider or of this server. Its person accepts it, or declines."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from seatrial.control.accounts.access import require
from seatrial.control.accounts.admission.sessions import end_sessions_of
from seatrial.control.accounts.members import needed
from seatrial.control.accounts.models import Invitation, Membership, Role, User, Workspace
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.services import set_role
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.errors import ControlError, NotFound

OPEN = timedelta(days=7)  # so long can nobody else have taken the login
LONGEST = 254  # characters of a login
HERE = "here"  # in place of a provider: an account of this server


class Unanswerable(ControlError):
    """An invitation that makes no sense, or that is over."""

    code = "invitation_impossible"
    status = 409


@transaction.atomic
def invite(
    provider: ProviderKind, login: str, workspace: Workspace, role: Role, *, by: Actor = SYSTEM
) -> Invitation:
    """Let in the account `login` of `provider`. One that is open already gets the new role and another week."""
    invitation, _ = Invitation.objects.update_or_create(
        provider=provider,
        login=login.lower(),
        workspace=workspace,
        defaults=_afresh(role, by),
    )
    return _recorded(invitation, by)


def invite_account(account: str, workspace: Workspace, role: Role, *, asking: User, by: Actor) -> Invitation:
    """Invite `here:jane` or `jane` of this server, or `github:jane` of a provider. Raises AccessDenied, Unanswerable."""
    kind, _, login = account.strip().rpartition(":")
    provider = next((one for one in ProviderKind if one == kind), None)
    if kind not in {"", HERE} and provider is None:
        kinds = ", ".join(ProviderKind)
        raise Unanswerable(
            f"{account[:150]!r} names no account: write a username, or one of {kinds} like github:jane."
        )
    if not login or len(login) > LONGEST or any(sign.isspace() or sign == "\x00" for sign in login):
        raise Unanswerable(
            f"{account[:150]!r} names no account: a username or an e-mail address has no spaces."
        )
    require(asking, needed(role), workspace)
    before = Invitation.objects.filter(
        provider=provider or HERE, login=login.lower() if provider else login, workspace=workspace
    ).first()
    if before is not None:
        require(asking, needed(before.role), workspace)
    if provider is None:
        return invite_here(login, workspace, role, by=by)
    return invite(provider, login, workspace, role, by=by)


@transaction.atomic
def invite_here(username: str, workspace: Workspace, role: Role, *, by: Actor) -> Invitation:
    """Invite somebody who has an account of this server: they are no member before they accept. Raises Unanswerable.

    One that is open already gets the new role and another week.
    """
    user = User.objects.filter(username=username.replace("\x00", ""), is_active=True).first()
    if user is None:
        raise Unanswerable(
            f"Nobody here is called {username[:150]}. An account of a provider is written like github:jane."
        )
    if workspace.memberships.filter(user=user).exists():
        raise Unanswerable(f"{user} is a member of {workspace} already. Change their role instead.")
    values = _afresh(role, by)
    invitation, _ = Invitation.objects.update_or_create(
        provider=HERE, login=user.username, workspace=workspace, defaults={**values, "user": user}
    )
    return _recorded(invitation, by)


def of(user: User) -> QuerySet[Invitation]:
    """Those that `user` may answer, the newest first."""
    waiting = Q(user=user, accepted_at=None, expires_at__gt=timezone.now())
    return Invitation.objects.filter(waiting).select_related("workspace").order_by("-id")


@transaction.atomic
def answer(user: User, key: str, *, accepts: bool, by: Actor) -> Invitation:
    """Accept or decline an invitation of one's own: only who accepts becomes a member. Raises NotFound."""
    invitation = of(user).select_for_update(of=("self",)).filter(pk=key.replace("\x00", "")).first()
    if invitation is None:
        raise NotFound(f"You have no open invitation {key[:150]}.")
    done = "accept" if accepts else "decline"
    audit.record(f"invitation.{done}", f"account/{invitation}", by=by, workspace=invitation.workspace_id)
    if (
        accepts
        and not Membership.objects.filter(workspace=invitation.workspace, user=user, mapped=False).exists()
    ):
        membership = set_role(invitation.workspace, user, Role(invitation.role), by=by)
        Membership.objects.filter(pk=membership.pk).update(by=invitation.by)
    # Whoever came by one of a provider comes in by it at each sign-in: that one is kept, others have done what they are for.
    if accepts and invitation.uid:
        Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
    else:
        Invitation.objects.filter(pk=invitation.pk).delete()
    return invitation


def _afresh(role: Role, by: Actor) -> dict[str, Any]:
    until = timezone.now() + OPEN
    return {"role": role, "expires_at": until, "uid": "", "accepted_at": None, "by": str(by)[:200]}


def _recorded(invitation: Invitation, by: Actor) -> Invitation:
    details = {"role": str(invitation.role)}
    audit.record(
        "invitation.create",
        f"account/{invitation}",
        by=by,
        workspace=invitation.workspace_id,
        details=details,
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
    """Bind the invitations to the account. Somebody who comes for the first time gets their roles; a member of any workspace
    answers them first. Idempotent."""
    known = user.memberships.exists()
    for invitation in invitations:
        bound = Invitation.objects.filter(pk=invitation.pk, uid="")
        if not bound.update(uid=identity.uid, accepted_at=timezone.now()):
            continue  # somebody was quicker
        if known:  # they are somebody here, and asked: see `answer`
            Invitation.objects.filter(pk=invitation.pk).update(user=user, accepted_at=None)
            continue
        audit.record("invitation.accept", f"account/{invitation}", by=by, workspace=invitation.workspace_id)
        if not Membership.objects.filter(workspace=invitation.workspace, user=user, mapped=False).exists():
            set_role(invitation.workspace, user, Role(invitation.role), by=by)
